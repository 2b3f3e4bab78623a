import { Anchor, Group, Stack, Text, VisuallyHidden } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import type { Schema } from '../../api/client';
import { adsStatus } from '../../api/queries';
import { Loaded } from '../../components/Loaded';
import { RouteButton } from '../../components/links';
import { Page } from '../../components/Page';
import { texts } from '../../texts';
import { adsTexts } from '../../texts/ads';
import { useSelectedAccount } from './account';
import { adsManagerLink } from './adsManager';
import { Dot } from './badges';
import { Copyable } from './Copyable';
import { Facts } from '../../components/Facts';
import { known } from './facts';
import { Moment } from './Moment';
import { Nothing } from './Nothing';
import { Notice } from './Notice';
import { accountOf, isPlaceholder } from './plan';
import type { AdsStatus } from './prerequisites';
import { RunFailure } from './RunFailure';
import { newestPublish } from './runs';
import { Section } from '../../components/Section';
import { Sync } from './Sync';

const words = adsTexts.campaign;
const STATUS_COLOURS = { draft: 'gray.5', active: 'green', paused: 'blue', error: 'red' } as const;

type Objects = Schema['ObjectsView'];

/** What was created at Meta, and how it stands there. */
export function Campaign() {
  const query = useQuery(adsStatus);
  const objects = query.data?.objects;
  return (
    <Page title={texts.nav.campaign} aside={objects && <ObjectsBadge objects={objects} />}>
      <Loaded query={query}>
        {(status) =>
          status.objects === null ? <NoCampaign /> : <Created status={status} objects={status.objects} />
        }
      </Loaded>
    </Page>
  );
}

function ObjectsBadge({ objects }: { objects: Objects }) {
  if (isPlaceholder(objects.campaignId)) return <Dot color="yellow">{words.simulated}</Dot>;
  return <Dot color={STATUS_COLOURS[objects.status]}>{words.status[objects.status]}</Dot>;
}

function NoCampaign() {
  return (
    <Nothing title={words.none.title} text={words.none.text}>
      <RouteButton to="/ads">{words.none.action}</RouteButton>
    </Nothing>
  );
}

function Created({ status, objects }: { status: AdsStatus; objects: Objects }) {
  const selected = useSelectedAccount().id;
  const account = accountOf(status) ?? selected;
  const isSimulated = isPlaceholder(objects.campaignId);
  return (
    <Stack gap="lg">
      {isSimulated && (
        <Notice kind="warning" title={words.simulated}>
          {words.simulatedText}
        </Notice>
      )}
      <LastError status={status} objects={objects} />
      <Section title={words.campaign}>
        <Facts
          facts={known([
            [words.campaign, <Id key="campaign" value={objects.campaignId} what={words.campaign} />],
            [words.adset, <Id key="adset" value={objects.adsetId} what={words.adset} />],
            [words.account, isSimulated ? null : account],
            [words.lastPublish, <At key="published" at={status.settings?.lastPublishedAt ?? null} />],
            [words.lastSync, <At key="synced" at={objects.lastSyncedAt} />],
          ])}
        />
        {objects.status === 'paused' && !isSimulated && (
          <Text size="sm" c="dimmed">
            {words.pausedText}
          </Text>
        )}
        <ManagerLink href={adsManagerLink(account, objects.campaignId)} />
      </Section>
      <Section title={words.now}>
        <Sync />
      </Section>
    </Stack>
  );
}

function LastError({ status, objects }: { status: AdsStatus; objects: Objects }) {
  if (objects.lastPublishError === null) return null;
  const run = newestPublish(status.lastRuns);
  // The run has more to say than the row; but an old error may be of a run that is not listed any more.
  if (run?.errorMessage === objects.lastPublishError) return <RunFailure run={run} />;
  return (
    <Notice kind="error" title={words.lastError} role="alert">
      {objects.lastPublishError}
    </Notice>
  );
}

function Id({ value, what }: { value: string | null; what: string }): ReactNode {
  return value === null ? words.missing : <Copyable value={value} what={what} />;
}

function At({ at }: { at: string | null }): ReactNode {
  return at === null ? words.never : <Moment at={at} />;
}

function ManagerLink({ href }: { href: string | null }) {
  if (href === null) return null;
  return (
    <Anchor href={href} target="_blank" rel="noreferrer" size="sm">
      <Group component="span" gap={4} wrap="nowrap">
        {words.adsManager}
        <VisuallyHidden>{words.newTab}</VisuallyHidden>
        <IconExternalLink size={16} aria-hidden />
      </Group>
    </Anchor>
  );
}
