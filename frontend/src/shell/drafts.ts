import { useEffect, useState } from 'react';

/** What is being typed now, by name, and what was being typed when a session ended. */
const open = new Map<string, unknown>();
let kept: { customerId: string; drafts: Map<string, unknown> } | null = null;

/**
 * `useState` for what a person is typing: when the session ends under it, the same person finds it again after
 * logging in. It is held in this tab's memory only. `name` is unique in the console.
 */
export function useDraft<T>(name: string, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() =>
    kept?.drafts.has(name) === true ? (kept.drafts.get(name) as T) : initial,
  );
  useEffect(() => {
    kept?.drafts.delete(name); // given back once
  }, [name]);
  useEffect(() => {
    open.set(name, value);
    return () => {
      open.delete(name);
    };
  }, [name, value]);
  return [value, setValue];
}

/** The session of this customer is over: keep what was being typed. */
export function keepDrafts(customerId: string): void {
  if (open.size > 0) kept = { customerId, drafts: new Map(open) };
}

/** Somebody logged in: what others typed is not for them. */
export function keepOnlyDraftsOf(customerId: string | null): void {
  if (kept?.customerId !== customerId) kept = null;
}
