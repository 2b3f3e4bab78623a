import { useQueryClient } from '@tanstack/react-query';

import { adAccounts, adsStatus, metaStatus } from '../../api/queries';

/** After a change of the connection: read again what depends on it, and forget the accounts of the old one. */
export function useReadAgain(): () => Promise<void> {
  const queries = useQueryClient();
  return async () => {
    await Promise.all([
      queries.invalidateQueries({ queryKey: metaStatus.queryKey }),
      queries.invalidateQueries({ queryKey: adsStatus.queryKey }),
    ]);
    const isConnected = queries.getQueryData(metaStatus.queryKey)?.status === 'connected';
    if (isConnected) await queries.resetQueries({ queryKey: adAccounts.queryKey });
    else queries.removeQueries({ queryKey: adAccounts.queryKey });
  };
}
