import { Alert, Text } from '@mantine/core';
import { IconAlertCircle, IconCircleCheck } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useState } from 'react';

import { settings } from '../../texts/settings';
import { callbackNews } from './callback';

const route = getRouteApi('/member/settings');

/** The news from Meta's dialog. It leaves the address at once, so that a reload does not tell it again. */
export function CallbackNotice({ isConnected, hasAccount }: { isConnected: boolean; hasAccount: boolean }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [news, setNews] = useState(() => callbackNews(search));
  useEffect(() => {
    if (search.meta === undefined && search.error === undefined) return;
    void navigate({ search: {}, replace: true });
  }, [search, navigate]);
  // Good news are over when the connection is.
  if (news === null || (news.good && !isConnected)) return null;
  return (
    <Alert
      role={news.good ? 'status' : 'alert'}
      color={news.good ? 'green' : 'red'}
      icon={news.good ? <IconCircleCheck aria-hidden /> : <IconAlertCircle aria-hidden />}
      title={news.title}
      withCloseButton
      closeButtonLabel={settings.callback.dismiss}
      onClose={() => {
        setNews(null);
      }}
    >
      <Text size="sm">{news.good && hasAccount ? settings.callback.connected.kept : news.text}</Text>
      {news.todo !== null && <Text size="sm">{news.todo}</Text>}
    </Alert>
  );
}
