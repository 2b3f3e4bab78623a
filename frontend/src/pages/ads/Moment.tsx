import { useEffect, useState } from 'react';

import { ago, clock } from './time';

/** The present, renewed every so often, so that relative times stay true. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, everyMs);
    return () => {
      clearInterval(timer);
    };
  }, [everyMs]);
  return now;
}

/** A moment both ways: how long ago, and the exact time. */
export function Moment({ at }: { at: string }) {
  const now = useNow(30_000);
  return (
    <time dateTime={at}>
      {ago(at, now)} ({clock(at)})
    </time>
  );
}
