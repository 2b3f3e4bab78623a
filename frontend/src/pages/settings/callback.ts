import { settings } from '../../texts/settings';

const texts = settings.callback;
const LONGEST = 300;

/** What came of a visit to Meta's dialog, for a person: good or bad, what happened, what to do. */
export interface CallbackNews {
  good: boolean;
  title: string;
  text: string;
  todo: string | null;
}

/** Read `?meta=…&error=…`, which the gateway adds when Meta sends the browser back. */
export function callbackNews(search: { meta?: string; error?: string }): CallbackNews | null {
  if (search.meta === 'connected') {
    const { title, text } = texts.connected;
    return { good: true, title, text, todo: null };
  }
  if (search.meta !== 'error') return null;
  const { what, todo } = reason(search.error ?? '');
  return { good: false, title: texts.failed, text: what, todo };
}

function reason(error: string): { what: string; todo: string } {
  if (Object.hasOwn(texts.reasons, error)) return texts.reasons[error as keyof typeof texts.reasons];
  // Whatever is none of ours are Meta's own words about a refusal. They come from the address, which anybody
  // can write: so they are shown as a quotation, and short.
  const words = error.trim();
  if (words === '' || /^[a-z_]+$/.test(words)) return texts.declined;
  const short = words.length > LONGEST ? `${words.slice(0, LONGEST)}…` : words;
  return { what: texts.saidByMeta(short), todo: texts.declined.todo };
}
