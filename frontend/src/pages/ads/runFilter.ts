import type { Run } from './runs';

export interface RunFilter {
  status: Run['status'] | 'all';
  kind: Run['jobType'] | 'all';
}

export const ALL: RunFilter = { status: 'all', kind: 'all' };

export function matching(runs: readonly Run[], { status, kind }: RunFilter): Run[] {
  return runs.filter(
    (run) => (status === 'all' || run.status === status) && (kind === 'all' || run.jobType === kind),
  );
}
