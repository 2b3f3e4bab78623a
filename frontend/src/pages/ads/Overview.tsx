import { Button, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';

import type { Schema } from '../../api/client';
import { adsStatus, runs } from '../../api/queries';
import { Loaded } from '../../components/Loaded';
import { RouteAnchor } from '../../components/links';
import { Page } from '../../components/Page';
import { texts } from '../../texts';
import { adsTexts } from '../../texts/ads';
import { type SelectedAccount, useSelectedAccount } from './account';
import { ModeBadge, readinessOf } from './badges';
import { Checklist } from './Checklist';
import { Nothing } from './Nothing';
import { Notice } from './Notice';
import { type AdsStatus, checklist, hasOpenPoints } from './prerequisites';
import { RunProgress } from './RunProgress';
import { isOpen, newestPublish } from './runs';
import { Section } from '../../components/Section';
import { Summary } from './Summary';

const POLL_MS = 5_000;

// Apart: a tenth of what this page would load first.
const PublishDialog = lazy(async () => ({ default: (await import('./PublishDialog')).PublishDialog }));

/** Is everything ready, what would be published, Publish, and how it goes. */
export function Overview() {
  const query = useQuery({ ...adsStatus, refetchInterval: POLL_MS });
  const account = useSelectedAccount();
  return (
    <Page title={texts.nav.overview} aside={query.data && <ModeBadge readiness={readinessOf(query.data)} />}>
      <Loaded query={query}>{(status) => <Content status={status} account={account} />}</Loaded>
    </Page>
  );
}

function Content({ status, account }: { status: AdsStatus; account: SelectedAccount }) {
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const [started, setStarted] = useState<Schema['Accepted'] | null>(null);
  const points = checklist(status);
  const newest = newestPublish(status.lastRuns);
  // Until the polled status knows the new run, nothing newer can be there.
  const isListed = status.lastRuns.some((run) => run.id === started?.runId);
  const runId = isListed ? newest?.id : (started?.runId ?? newest?.id);
  const ask = (): void => {
    setAsking(true);
  };
  return (
    <Stack gap="lg">
      <PublisherNotice status={status} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Section title={adsTexts.checklist.title} aside={<Tally points={points} />}>
          <Checklist points={points} />
          <PublishButton status={status} isBlocked={hasOpenPoints(points)} onPress={ask} />
        </Section>
        <Section
          title={adsTexts.summary.title}
          aside={
            <RouteAnchor to="/ads/setup" size="sm">
              {adsTexts.summary.change}
            </RouteAnchor>
          }
        >
          <Summary status={status} account={account} />
        </Section>
      </SimpleGrid>
      {started?.deduped === true && started.runId === runId && (
        <Notice kind="info">{adsTexts.publish.deduped}</Notice>
      )}
      {runId === undefined ? (
        <Section title={adsTexts.progress.last}>
          <Nothing {...adsTexts.progress.none} />
        </Section>
      ) : (
        <RunProgress key={runId} runId={runId} retry={hasOpenPoints(points) ? undefined : ask} />
      )}
      {isAsking && (
        <Suspense fallback={null}>
          {' '}
          <PublishDialog
            status={status}
            account={account}
            onClose={() => {
              setAsking(false);
            }}
            onStarted={(accepted) => {
              setAsking(false);
              setStarted(accepted);
              void client.invalidateQueries({ queryKey: adsStatus.queryKey });
              void client.invalidateQueries({ queryKey: runs.queryKey });
            }}
          />
        </Suspense>
      )}
    </Stack>
  );
}

function Tally({ points }: { points: ReturnType<typeof checklist> }) {
  const open = points.filter((point) => point.state === 'open').length;
  return (
    <Text size="sm" c="dimmed">
      {open === 0 ? adsTexts.checklist.allDone : adsTexts.checklist.openOnes(open)}
    </Text>
  );
}

function PublisherNotice({ status }: { status: AdsStatus }) {
  const readiness = readinessOf(status);
  const { hint } = status.derived.publisher;
  const { about, badge, warning } = adsTexts.mode;
  return (
    <>
      {readiness !== 'real' && (
        <Notice kind={readiness === 'offline' ? 'error' : 'warning'} title={badge[readiness]} role="status">
          <Text size="sm">{about[readiness]}</Text>
          {readiness === 'offline' && hint !== null && <Text size="sm">{hint}</Text>}
        </Notice>
      )}
      {readiness !== 'offline' && hint !== null && (
        <Notice kind="warning" title={warning}>
          {hint}
        </Notice>
      )}
    </>
  );
}

function PublishButton({
  status,
  isBlocked,
  onPress,
}: {
  status: AdsStatus;
  isBlocked: boolean;
  onPress: () => void;
}) {
  const newest = newestPublish(status.lastRuns);
  const isRunning = newest !== undefined && isOpen(newest);
  const words = adsTexts.publish;
  const why = isBlocked
    ? words.blocked
    : isRunning
      ? words.running
      : adsTexts.mode.about[readinessOf(status)];
  return (
    <Stack gap={6} align="flex-start">
      <Button size="md" disabled={isBlocked || isRunning} onClick={onPress} aria-describedby="publish-note">
        {status.objects?.campaignId == null ? words.button : words.again}
      </Button>
      <Text id="publish-note" size="sm" c="dimmed">
        {why}
      </Text>
    </Stack>
  );
}
