import type { Run, RunStep } from './runs';

/** Who is told about a run's event stream. */
export interface Listener {
  onLive: () => void;
  onStep: (step: RunStep) => void;
  onEnd: (run: Run) => void;
  /** The stream cannot be had, or broke. A browser may come back by itself: `onLive` says so. */
  onBroken: () => void;
}

export function streamAddress(runId: string, customerId: string): string {
  const query = new URLSearchParams({ customerId });
  return `/ads/runs/${encodeURIComponent(runId)}/events?${query.toString()}`;
}

/** Listen to a run's server-sent events until it ends. Returns how to stop. */
export function listen(address: string, listener: Listener): () => void {
  if (typeof EventSource === 'undefined') {
    listener.onBroken();
    return () => undefined;
  }
  const source = new EventSource(address, { withCredentials: true });
  const take = (name: string, tell: (data: unknown) => void): void => {
    source.addEventListener(name, (event: MessageEvent<string>) => {
      const data = parsed(event.data);
      if (data !== undefined) tell(data);
    });
  };
  source.onopen = listener.onLive;
  source.onerror = listener.onBroken;
  take('step', (data) => {
    listener.onStep(data as RunStep);
  });
  take('end', (data) => {
    source.close();
    listener.onEnd(data as Run);
  });
  return () => {
    source.close();
  };
}

// What cannot be read is left out: the polls bring it.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
