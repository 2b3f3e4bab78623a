import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';

import { api, ok } from '../../api/client';
import { Failure } from '../../components/Failure';
import { RouteAnchor } from '../../components/links';
import { adsTexts } from '../../texts/ads';
import { Live } from './Live';
import { Notice } from './Notice';
import { RunFailure } from './RunFailure';
import { isOpen, type RunWithSteps, waitOf } from './runs';
import { useRun } from './useRun';

const words = adsTexts.campaign;

/** Asks Meta how campaign and ad set stand, and says what it answered. */
export function Sync() {
  const sync = useMutation({ mutationFn: () => ok(api.POST('/ads/sync', { body: {} })) });
  const start = (): void => {
    sync.mutate();
  };
  return (
    <Stack gap="sm" align="flex-start">
      <Button variant="default" loading={sync.isPending} onClick={start} aria-describedby="sync-note">
        {words.sync}
      </Button>
      <Text id="sync-note" size="sm" c="dimmed">
        {words.syncHint}
      </Text>
      {sync.isError && <Failure error={sync.error} retry={start} />}
      {sync.data && <SyncRun key={sync.data.runId} runId={sync.data.runId} retry={start} />}
    </Stack>
  );
}

function SyncRun({ runId, retry }: { runId: string; retry: () => void }) {
  const query = useRun(runId);
  if (query.data === undefined) {
    return query.isError ? <Failure error={query.error} retry={() => void query.refetch()} /> : null;
  }
  const run = query.data;
  return (
    <>
      <Live>
        {isOpen(run) && <Text size="sm">{waitOf(run)?.message ?? words.syncing}</Text>}
        {run.status === 'success' && (
          <Notice kind="good" title={words.synced}>
            {answerIn(run)}
          </Notice>
        )}
      </Live>
      {run.status === 'failed' && <RunFailure run={run} retry={retry} />}
      <RouteAnchor to="/ads/diagnostics/$runId" params={{ runId }} size="sm">
        {adsTexts.progress.details}
      </RouteAnchor>
    </>
  );
}

function answerIn(run: RunWithSteps): string {
  const synced = run.steps.findLast((step) => step.type === 'OBJECTS_SYNCED') ?? run.steps.at(-1);
  return synced?.message ?? '';
}
