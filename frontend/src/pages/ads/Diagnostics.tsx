import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { runs as runPages } from '../../api/queries';
import { Loaded } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { texts } from '../../texts';
import { adsTexts } from '../../texts/ads';
import { Nothing } from './Nothing';
import { ALL, matching, type RunFilter } from './runFilter';
import { isOpen, type Run } from './runs';
import { RunTable } from './RunTable';

const words = adsTexts.diagnostics;
const POLL_MS = 3_000;

/** Every run so far, newest first. */
export function Diagnostics() {
  const query = useInfiniteQuery({
    ...runPages,
    refetchInterval: ({ state }) =>
      (state.data?.pages.some(({ data }) => data.some(isOpen)) ?? false) && POLL_MS,
  });
  return (
    <Page title={texts.nav.diagnostics}>
      <Loaded query={query}>
        {({ pages }) => {
          const loaded = pages.flatMap((page) => page.data);
          if (loaded.length === 0) return <Nothing {...words.none} />;
          return (
            <Stack gap="md">
              <Filtered loaded={loaded} />
              {query.hasNextPage ? (
                <Button
                  variant="default"
                  style={{ alignSelf: 'flex-start' }}
                  loading={query.isFetchingNextPage}
                  onClick={() => void query.fetchNextPage()}
                >
                  {words.older}
                </Button>
              ) : (
                <Text size="sm" c="dimmed">
                  {words.oldest}
                </Text>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </Page>
  );
}

function Filtered({ loaded }: { loaded: readonly Run[] }) {
  const [filter, setFilter] = useState<RunFilter>(ALL);
  const shown = matching(loaded, filter);
  return (
    <>
      <Group align="flex-end">
        <NativeSelect
          label={words.status}
          value={filter.status}
          data={choices(adsTexts.runStatus)}
          onChange={(event) => {
            setFilter({ ...filter, status: event.currentTarget.value as RunFilter['status'] });
          }}
        />
        <NativeSelect
          label={words.kind}
          value={filter.kind}
          data={choices(adsTexts.jobType)}
          onChange={(event) => {
            setFilter({ ...filter, kind: event.currentTarget.value as RunFilter['kind'] });
          }}
        />
        <Text size="sm" c="dimmed" role="status" pb={8}>
          {words.shown(shown.length, loaded.length)}
        </Text>
      </Group>
      {shown.length > 0 ? (
        <RunTable runs={shown} />
      ) : (
        <Stack align="flex-start" gap="xs">
          <Text size="sm">{words.noMatch}</Text>
          <Button
            variant="default"
            size="xs"
            onClick={() => {
              setFilter(ALL);
            }}
          >
            {words.clear}
          </Button>
        </Stack>
      )}
    </>
  );
}

function choices(names: Readonly<Record<string, string>>): { value: string; label: string }[] {
  const each = Object.entries(names).map(([value, label]) => ({ value, label }));
  return [{ value: 'all', label: words.all }, ...each];
}
