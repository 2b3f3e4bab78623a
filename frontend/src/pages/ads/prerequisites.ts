import type { Schema } from '../../api/client';
import { adsTexts } from '../../texts/ads';

export type AdsStatus = Schema['AdsStatus'];
export type SettingsView = Schema['AdSettingsView'];

/** A page of this console, as the contract's links name it. */
export interface Fix {
  to: '/settings' | '/ads/setup';
  hash?: string;
  label: string;
}

export interface Point {
  name: string;
  state: 'done' | 'open' | 'skipped';
  hint: string | null;
  fix: Fix | null;
}

const words = adsTexts.checklist;

/** What has to be so before publishing makes sense, in the order in which people do it. */
export function checklist(status: AdsStatus): Point[] {
  return [metaPoint(status), settingsPoint(status.settings)];
}

/** Whether publishing would stop at something that the user has yet to do. */
export function hasOpenPoints(points: readonly Point[]): boolean {
  return points.some((point) => point.state === 'open');
}

function metaPoint({ prerequisites, derived }: AdsStatus): Point {
  const { ok, hint, link, required } = prerequisites.meta;
  if (ok) return { name: words.meta, state: 'done', hint: null, fix: null };
  const isSkipped = !required || derived.metaWriteMode === 'sim';
  return {
    name: words.meta,
    state: isSkipped ? 'skipped' : 'open',
    hint: isSkipped ? words.notInSimulation : hint,
    fix: pageOf(link),
  };
}

function settingsPoint(settings: SettingsView | null): Point {
  const fix: Fix = { to: '/ads/setup', label: settings === null ? words.toSetup : words.completeSetup };
  if (settings === null) return { name: words.settings, state: 'open', hint: words.noSettings, fix };
  if (settings.status !== 'draft') return { name: words.settings, state: 'done', hint: null, fix: null };
  return { name: words.settings, state: 'open', hint: missingIn(settings), fix };
}

/** What a draft lacks, in words. */
export function missingIn(settings: Pick<SettingsView, 'geoMode' | 'geoCenterText' | 'geoRadiusKm'>): string {
  if (settings.geoMode === 'regions') return words.missing.regions;
  const noCentre = settings.geoCenterText === null;
  const noRadius = settings.geoRadiusKm === null;
  if (noCentre && noRadius) return words.missing.both;
  return noCentre ? words.missing.centre : words.missing.radius;
}

/** The console's page for one of the contract's links; null for pages of later steps. */
export function pageOf(link: string): Fix | null {
  const [path, hash] = link.split('#');
  if (path === '/settings') return { to: '/settings', ...(hash && { hash }), label: words.toSettings };
  return null;
}
