import { adsTexts } from '../../texts/ads';
import type { Fix } from './prerequisites';
import type { Run } from './runs';

const words = adsTexts.failure;
const SETUP: Fix = { to: '/ads/setup', label: words.toSetup };
const META: Fix = { to: '/settings', hash: 'meta', label: words.toSettings };

/** The page on which a failed run can be mended; null when none of ours helps. */
export function pageThatMends(run: Pick<Run, 'errorCode' | 'errorMessage' | 'hint' | 'step'>): Fix | null {
  if (run.errorCode === 'MISSING_PREREQUISITE') {
    if (run.step === 'settings') return SETUP;
    if (run.step === 'connection') return META;
  }
  // Hints name our pages as the menu does.
  const said = `${run.errorMessage ?? ''} ${run.hint ?? ''}`;
  if (said.includes('Ads → Setup')) return SETUP;
  return /\bin Settings\b/.test(said) ? META : null;
}

/** What went wrong without the advice that the message ends with, which is shown apart. */
export function whatWentWrong(run: Pick<Run, 'errorMessage' | 'hint'>): string {
  const message = run.errorMessage ?? words.unknown;
  if (run.hint === null || !message.endsWith(run.hint)) return message;
  return message.slice(0, -run.hint.length).trim() || message;
}
