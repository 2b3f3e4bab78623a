import { Badge } from '@mantine/core';

import { adsTexts } from '../../texts/ads';
import type { AdsStatus } from './prerequisites';
import type { Run } from './runs';

// Coloured dots beside plain text: coloured text is hard to read in one of the two schemes.
const STATUS_COLOURS = { queued: 'gray.5', running: 'blue', success: 'green', failed: 'red' } as const;
const MODE_COLOURS = { real: 'green', sim: 'yellow', disabled: 'gray.5', offline: 'red' } as const;

export function Dot({ color, children }: { color: string; children: string }) {
  return (
    <Badge variant="dot" color={color} tt="none" size="lg" fw={600}>
      {children}
    </Badge>
  );
}

export function RunBadge({ status }: { status: Run['status'] }) {
  return <Dot color={STATUS_COLOURS[status]}>{adsTexts.runStatus[status]}</Dot>;
}

/** What a publish would do now: `offline` when no publisher would take it. */
export type Readiness = keyof typeof MODE_COLOURS;

export function readinessOf({ derived }: Pick<AdsStatus, 'derived'>): Readiness {
  return derived.publisher.seen ? derived.metaWriteMode : 'offline';
}

export function ModeBadge({ readiness }: { readiness: Readiness }) {
  return <Dot color={MODE_COLOURS[readiness]}>{adsTexts.mode.badge[readiness]}</Dot>;
}
