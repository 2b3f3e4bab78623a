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
          return <Search loaded={loaded} older={query} />;
        }}
      </Loaded>
    </Page>
  );
}

interface Older {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => Promise<unknown>;
}

/** Says what was searched: a run that is not loaded is not one that never was. */
function Search({ loaded, older }: { loaded: readonly Run[]; older: Older }) {
  const [filter, setFilter] = useState<RunFilter>(ALL);
  const isFiltered = filter.status !== 'all' || filter.kind !== 'all';
  const shown = matching(loaded, filter);
  const found = words.found[older.hasNextPage ? 'newest' : 'all'];
  return (
    <Stack gap="md">
      <Group align="flex-end">
        <Filters filter={filter} change={setFilter} />
        <Text size="sm" c="dimmed" role="status" pb={8}>
          {isFiltered ? found(shown.length, loaded.length) : words.loaded(loaded.length)}
        </Text>
      </Group>
      {shown.length > 0 && <RunTable runs={shown} />}
      <Group gap="sm">
        {older.hasNextPage && (
          <Button
            variant="default"
            loading={older.isFetchingNextPage}
            onClick={() => void older.fetchNextPage()}
          >
            {isFiltered ? words.searchOlder : words.older}
          </Button>
        )}
        {isFiltered && (
          <Button
            variant="subtle"
            onClick={() => {
              setFilter(ALL);
            }}
          >
            {words.clear}
          </Button>
        )}
        {!older.hasNextPage && !isFiltered && (
          <Text size="sm" c="dimmed">
            {words.oldest}
          </Text>
        )}
      </Group>
    </Stack>
  );
}

function Filters({ filter, change }: { filter: RunFilter; change: (to: RunFilter) => void }) {
  return (
    <>
      <NativeSelect
        label={words.status}
        value={filter.status}
        data={choices(adsTexts.runStatus)}
        onChange={(event) => {
          change({ ...filter, status: event.currentTarget.value as RunFilter['status'] });
        }}
      />
      <NativeSelect
        label={words.kind}
        value={filter.kind}
        data={choices(adsTexts.jobType)}
        onChange={(event) => {
          change({ ...filter, kind: event.currentTarget.value as RunFilter['kind'] });
        }}
      />
    </>
  );
}

function choices(names: Readonly<Record<string, string>>): { value: string; label: string }[] {
  const each = Object.entries(names).map(([value, label]) => ({ value, label }));
  return [{ value: 'all', label: words.all }, ...each];
}
