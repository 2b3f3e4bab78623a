import { Code, Stack, Text } from '@mantine/core';

import type { Schema } from '../../api/client';
import { Facts } from '../../components/Facts';
import { settings } from '../../texts/settings';

const texts = settings.connection;

export function ConnectionFacts({ status }: { status: Schema['MetaStatus'] }) {
  const missing = status.missingScopes ?? [];
  return (
    <Facts
      facts={[
        [texts.user, status.metaUserId ?? texts.none],
        [texts.granted, <Scopes key="granted" scopes={status.grantedScopes ?? status.scopes ?? []} />],
        ...(missing.length === 0
          ? []
          : [[texts.missing, <Missing key="missing" scopes={missing} />] as const]),
        ...(typeof status.tokenExpiresAt === 'string'
          ? [[texts.expires, expiry(status.tokenExpiresAt, status.expiresInDays ?? null)] as const]
          : []),
      ]}
    />
  );
}

function Missing({ scopes }: { scopes: string[] }) {
  return (
    <Stack gap={4}>
      <Scopes scopes={scopes} />
      <Text size="sm">{texts.missingHint}</Text>
    </Stack>
  );
}

function Scopes({ scopes }: { scopes: string[] }) {
  if (scopes.length === 0) return texts.none;
  return (
    <>
      {scopes.map((scope) => (
        <div key={scope}>
          <Code>{scope}</Code>{' '}
          {Object.hasOwn(texts.scopes, scope) && texts.scopes[scope as keyof typeof texts.scopes]}
        </div>
      ))}
    </>
  );
}

function expiry(at: string, days: number | null): string {
  const date = new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  return days === null ? date : `${texts.inDays(days)}, on ${date}`;
}
