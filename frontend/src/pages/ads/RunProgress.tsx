import { Loader, Group, Stack, Text } from '@mantine/core';

import { Loaded } from '../../components/Loaded';
import { RouteAnchor } from '../../components/links';
import { adsTexts } from '../../texts/ads';
import { RunBadge } from './badges';
import { Live } from './Live';
import { Moment, useNow } from './Moment';
import { Notice } from './Notice';
import { RunFailure } from './RunFailure';
import { isOpen, type RunWithSteps, waitOf } from './runs';
import { Section } from '../../components/Section';
import { clockTime, wholeLengthOf } from './time';
import { Timeline } from './Timeline';
import { useRun } from './useRun';

const words = adsTexts.progress;

/** One publish: live, step by step, until its end; then what came of it. */
export function RunProgress({ runId, retry }: { runId: string; retry?: (() => void) | undefined }) {
  const query = useRun(runId);
  const isRunning = query.data !== undefined && isOpen(query.data);
  return (
    <Section
      title={isRunning ? words.now : words.last}
      aside={query.data && <RunBadge status={query.data.status} />}
    >
      <Loaded query={query}>{(run) => <Course run={run} retry={retry} />}</Loaded>
    </Section>
  );
}

function Course({ run, retry }: { run: RunWithSteps; retry?: (() => void) | undefined }) {
  return (
    <Stack gap="md">
      <Live>{run.status === 'success' && <Outcome run={run} />}</Live>
      {run.status === 'failed' && <RunFailure run={run} retry={retry} />}
      {isOpen(run) && <Present run={run} />}
      {run.steps.length > 0 && <Timeline steps={run.steps} />}
      <Group gap="md">
        <RouteAnchor to="/ads/diagnostics/$runId" params={{ runId: run.id }} size="sm">
          {words.details}
        </RouteAnchor>
        {run.finishedAt !== null && (
          <Text size="xs" c="dimmed">
            <Moment at={run.finishedAt} />
          </Text>
        )}
      </Group>
    </Stack>
  );
}

function Outcome({ run }: { run: RunWithSteps }) {
  const isSimulated = run.mode === 'sim';
  return (
    <Notice kind="good" title={isSimulated ? words.simulated : words.succeeded}>
      <RouteAnchor to="/ads/campaign" size="sm" c="inherit" underline="always">
        {words.toCampaign}
      </RouteAnchor>
    </Notice>
  );
}

function Present({ run }: { run: RunWithSteps }) {
  const until = waitOf(run)?.until ?? null;
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start">
      <Loader size="xs" mt={3} aria-hidden />
      <Stack gap={2}>
        <Live>
          <Text size="sm">{run.steps.at(-1)?.message ?? words.queued}</Text>
        </Live>
        {until !== null && <Countdown until={until} />}
      </Stack>
    </Group>
  );
}

// Outside the live region: a screen reader would read it out every second.
function Countdown({ until }: { until: string }) {
  const left = Date.parse(until) - useNow(1_000);
  return (
    <Text size="sm" c="dimmed">
      {left > 0 ? words.next(wholeLengthOf(Math.max(left, 1_000)), clockTime(until)) : words.dueNow}
    </Text>
  );
}
