import { Group, Paper, Stack, Table, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';

import { RouteAnchor } from '../../components/links';
import { adsTexts } from '../../texts/ads';
import { RunBadge } from './badges';
import { useNow } from './Moment';
import { isOpen, type Run } from './runs';
import { ago, between, clock } from './time';

const words = adsTexts.diagnostics;
const NARROW = '(max-width: 48em)';

/** Runs as a table, and as cards where a table has no room. */
export function RunTable({ runs }: { runs: readonly Run[] }) {
  const isNarrow = useMediaQuery(NARROW, false, { getInitialValueInEffect: false });
  const now = useNow(runs.some(isOpen) ? 1_000 : 30_000);
  return isNarrow ? <Cards runs={runs} now={now} /> : <Rows runs={runs} now={now} />;
}

interface Props {
  runs: readonly Run[];
  now: number;
}

function Rows({ runs, now }: Props) {
  return (
    <Table verticalSpacing="sm" aria-label={words.caption}>
      <Table.Thead>
        <Table.Tr>
          {[words.started, words.kind, words.status, words.duration, words.mode, words.result].map((name) => (
            <Table.Th key={name}>{name}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {runs.map((run) => (
          <Table.Tr key={run.id}>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>
              <When run={run} now={now} />
            </Table.Td>
            <Table.Td>{adsTexts.jobType[run.jobType]}</Table.Td>
            <Table.Td>
              <RunBadge status={run.status} />
            </Table.Td>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>
              {between(run.startedAt, run.finishedAt, now) ?? '–'}
            </Table.Td>
            <Table.Td>{run.mode === null ? '–' : adsTexts.modes[run.mode]}</Table.Td>
            <Table.Td maw="22rem">
              <Result run={run} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Cards({ runs, now }: Props) {
  return (
    <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }} aria-label={words.caption}>
      {runs.map((run) => (
        <Paper component="li" key={run.id} withBorder p="sm">
          <Stack gap={6}>
            <Group justify="space-between" wrap="nowrap">
              <Text fw={600} size="sm">
                {adsTexts.jobType[run.jobType]}
              </Text>
              <RunBadge status={run.status} />
            </Group>
            <When run={run} now={now} />
            <Text size="sm" c="dimmed">
              {[
                between(run.startedAt, run.finishedAt, now),
                run.mode === null ? null : adsTexts.modes[run.mode],
              ]
                .filter((part) => part !== null)
                .join(' · ')}
            </Text>
            <Result run={run} />
          </Stack>
        </Paper>
      ))}
    </Stack>
  );
}

function When({ run, now }: { run: Run; now: number }) {
  return (
    <Stack gap={0}>
      <RouteAnchor
        to="/ads/diagnostics/$runId"
        params={{ runId: run.id }}
        size="sm"
        aria-label={words.open(adsTexts.jobType[run.jobType], clock(run.createdAt))}
      >
        {clock(run.createdAt)}
      </RouteAnchor>
      <Text size="xs" c="dimmed">
        {ago(run.createdAt, now)}
      </Text>
    </Stack>
  );
}

function Result({ run }: { run: Run }) {
  const text = run.errorMessage ?? (isOpen(run) ? run.hint : run.campaignId);
  return (
    <Text size="sm" lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
      {text ?? '–'}
    </Text>
  );
}
