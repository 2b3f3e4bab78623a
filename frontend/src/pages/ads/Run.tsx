import { Stack } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';

import { Loaded } from '../../components/Loaded';
import { RouteAnchor } from '../../components/links';
import { Page } from '../../components/Page';
import { adsTexts } from '../../texts/ads';
import { RunBadge } from './badges';
import { Bundle } from './Bundle';
import { Copyable } from './Copyable';
import { Facts } from '../../components/Facts';
import { known } from './facts';
import { Live } from './Live';
import { Moment, useNow } from './Moment';
import { RunFailure } from './RunFailure';
import { isOpen, type RunWithSteps } from './runs';
import { Section } from '../../components/Section';
import { between } from './time';
import { ExactTimeline } from './Timeline';
import { useRun } from './useRun';

const route = getRouteApi('/member/ads/diagnostics/$runId');
const words = adsTexts.run;

/** One run, with everything that is known of it. */
export function Run() {
  const { runId } = route.useParams();
  const query = useRun(runId);
  const kind = adsTexts.jobType[query.data?.jobType ?? 'publish'];
  return (
    <Page title={words.title(kind)} aside={query.data && <RunBadge status={query.data.status} />}>
      <RouteAnchor to="/ads/diagnostics" size="sm">
        ← {words.back}
      </RouteAnchor>
      <Loaded query={query}>{(run) => <Details run={run} />}</Loaded>
    </Page>
  );
}

function Details({ run }: { run: RunWithSteps }) {
  return (
    <Stack gap="lg">
      {run.status === 'failed' && <RunFailure run={run} />}
      <Section title={words.timeline}>
        <Live>{run.steps.length === 0 ? words.empty : isOpen(run) && run.steps.at(-1)?.message}</Live>
        <ExactTimeline steps={run.steps} />
      </Section>
      <Section title={words.facts}>
        <RunFacts run={run} />
        {run.startedAt !== null && <Bundle runId={run.id} />}
      </Section>
    </Stack>
  );
}

function RunFacts({ run }: { run: RunWithSteps }) {
  const now = useNow(isOpen(run) ? 1_000 : 60_000);
  const copyable = (value: string | null, what: string) =>
    value === null ? null : <Copyable value={value} what={what} />;
  const moment = (at: string | null) => (at === null ? null : <Moment at={at} />);
  return (
    <Facts
      facts={known([
        [words.created, moment(run.createdAt)],
        [words.started, moment(run.startedAt)],
        [words.finished, moment(run.finishedAt)],
        [words.duration, between(run.startedAt, run.finishedAt, now)],
        [words.mode, run.mode === null ? null : adsTexts.modes[run.mode]],
        [words.code, run.errorCode],
        [words.account, copyable(run.adAccountId, words.account)],
        [words.campaign, copyable(run.campaignId, words.campaign)],
        [words.adset, copyable(run.adsetId, words.adset)],
        [words.trace, copyable(run.traceId, words.trace)],
        [words.id, copyable(run.id, words.id)],
        [words.job, copyable(run.jobId, words.job)],
      ])}
    />
  );
}
