import type { Schema } from '../../api/client';

export type Run = Schema['RunView'];
export type RunStep = Schema['RunStepView'];
export type RunWithSteps = Schema['RunWithSteps'];

export function isOpen(run: Pick<Run, 'status'>): boolean {
  return run.status === 'queued' || run.status === 'running';
}

/** The newest of the last runs that published, or one that is still open. */
export function newestPublish(lastRuns: readonly Run[]): Run | undefined {
  return lastRuns.find((run) => run.jobType === 'publish');
}

/**
 * What is known of a run from two answers, which may have crossed on their way: all steps of both, and the
 * rest as the one says that knows more steps.
 */
export function merged(known: RunWithSteps | undefined, news: RunWithSteps): RunWithSteps {
  if (known?.id !== news.id) return news;
  const newer = lastVersion(known) > lastVersion(news) ? known : news;
  return { ...newer, steps: inOrder([...known.steps, ...news.steps]) };
}

/** A run after one more step of its timeline. The step that ends it changes nothing else: `ended` does. */
export function withStep(run: RunWithSteps, step: RunStep): RunWithSteps {
  const steps = inOrder([...run.steps, step]);
  if (!isOpen(run)) return { ...run, steps };
  return { ...run, steps, status: 'running', startedAt: run.startedAt ?? step.at };
}

/** A run after its end was told. */
export function ended(run: RunWithSteps, end: Run): RunWithSteps {
  return { ...run, ...end };
}

/** What the run waits for and when it goes on; null when it does not wait. */
export function waitOf(run: RunWithSteps): { message: string; until: string | null } | null {
  const last = run.steps.at(-1);
  if (!isOpen(run) || last === undefined) return null;
  if (last.type !== 'RUN_WAITING' && last.state !== 'checking') return null;
  return { message: last.message, until: textOf(last, 'until') };
}

/** A step and how many waits in a row it stands for. */
export interface Folded {
  step: RunStep;
  looks: number;
}

/** The timeline for a quick look: of waits that follow each other only the last one. */
export function folded(steps: readonly RunStep[]): Folded[] {
  return steps.reduce<Folded[]>((lines, step) => {
    const last = lines.at(-1);
    const goesOn = step.type === 'RUN_WAITING' && last?.step.type === 'RUN_WAITING';
    if (!goesOn) return [...lines, { step, looks: 1 }];
    return [...lines.slice(0, -1), { step, looks: last.looks + 1 }];
  }, []);
}

/** A text among the facts of a step. */
export function textOf(step: RunStep, name: string): string | null {
  const value = step.data[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

function lastVersion(run: RunWithSteps): number {
  return run.steps.at(-1)?.version ?? 0;
}

function inOrder(steps: RunStep[]): RunStep[] {
  const byVersion = new Map(steps.map((step) => [step.version, step]));
  return [...byVersion.values()].sort((one, other) => one.version - other.version);
}
