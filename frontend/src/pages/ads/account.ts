import { useQuery } from '@tanstack/react-query';

import type { Schema } from '../../api/client';
import { adAccounts, metaStatus } from '../../api/queries';

export interface SelectedAccount {
  id: string | null;
  /** What Meta says about it; undefined while that is not known. */
  known: Schema['AdAccount'] | undefined;
  /** Why Meta's list cannot be had, and how to ask again. */
  failure?: { error: Error; retry: () => void };
}

/** The ad account that campaigns go to. */
export function useSelectedAccount(): SelectedAccount {
  const status = useQuery(metaStatus);
  const isConnected = status.data?.status === 'connected';
  const accounts = useQuery({ ...adAccounts, enabled: isConnected, staleTime: 60_000 });
  const id = status.data?.selectedAdAccountId ?? null;
  return {
    id,
    known: accounts.data?.data.find((account) => account.id === id),
    ...(accounts.isError && { failure: { error: accounts.error, retry: () => void accounts.refetch() } }),
  };
}

export function nameOf({ id, known }: SelectedAccount): string | null {
  return known?.name ? `${known.name} (${known.id})` : id;
}
