import { Group, Stack, Text, ThemeIcon, VisuallyHidden } from '@mantine/core';
import {
  IconAlertCircle,
  IconCheck,
  IconClock,
  IconNote,
  IconPlayerPlay,
  IconSearch,
} from '@tabler/icons-react';

import type { ReactNode } from 'react';

import { adsTexts } from '../../texts/ads';
import { Copyable } from './Copyable';
import { folded, type RunStep, textOf } from './runs';
import { clock, clockTime, lengthOf } from './time';

const words = adsTexts.run;
const LOOKS = {
  started: { color: 'blue.7', Icon: IconPlayerPlay },
  checking: { color: 'orange.8', Icon: IconSearch },
  done: { color: 'green.8', Icon: IconCheck },
  note: { color: 'gray.7', Icon: IconNote },
  failed: { color: 'red.8', Icon: IconAlertCircle },
  waiting: { color: 'orange.8', Icon: IconClock },
} as const;

type Look = keyof typeof LOOKS;

const OF_TYPE: Readonly<Record<string, Look>> = {
  RUN_STARTED: 'started',
  RUN_WAITING: 'waiting',
  RUN_SUCCEEDED: 'done',
  RUN_FAILED: 'failed',
  OBJECTS_SYNCED: 'done',
};

function lookOf({ type, state }: RunStep): Look {
  return OF_TYPE[type] ?? (state !== null && state in LOOKS ? (state as Look) : 'note');
}

const LONG_WAIT_MS = 1_000;

/** The steps of a run at a quick look. */
export function Timeline({ steps }: { steps: readonly RunStep[] }) {
  return (
    <Steps>
      {folded(steps).map(({ step, looks }) => (
        <li key={step.version}>
          <Line step={step}>
            {looks > 1 && (
              <Text size="xs" c="dimmed">
                {words.looks(looks)}
              </Text>
            )}
          </Line>
        </li>
      ))}
    </Steps>
  );
}

/** Each step with its time, the waits in between and Meta's trace id. */
export function ExactTimeline({ steps }: { steps: readonly RunStep[] }) {
  return (
    <Steps>
      {steps.map((step, index) => (
        <li key={step.version}>
          <ExactStep step={step} before={steps[index - 1]} first={steps[0]} />
        </li>
      ))}
    </Steps>
  );
}

function Steps({ children }: { children: ReactNode }) {
  return (
    <Stack component="ol" gap="sm" p={0} m={0} style={{ listStyle: 'none' }}>
      {children}
    </Stack>
  );
}

function Line({ step, children }: { step: RunStep; children?: ReactNode }) {
  const look = lookOf(step);
  const { color, Icon } = LOOKS[look];
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start">
      <ThemeIcon color={color} size={22} radius="xl" aria-hidden>
        <Icon size={14} />
      </ThemeIcon>
      <Stack gap={2} style={{ minWidth: 0 }}>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          <VisuallyHidden>{words.states[look]}: </VisuallyHidden>
          {step.message}
        </Text>
        {children}
      </Stack>
    </Group>
  );
}

function ExactStep({
  step,
  before,
  first,
}: {
  step: RunStep;
  before?: RunStep | undefined;
  first?: RunStep | undefined;
}) {
  const at = Date.parse(step.at);
  const gap = before === undefined ? 0 : at - Date.parse(before.at);
  const fbtrace = textOf(step, 'fbtraceId');
  const until = textOf(step, 'until');
  return (
    <>
      {gap >= LONG_WAIT_MS && (
        <Text size="xs" c="dimmed" pl={34} pb="xs">
          {words.waited(lengthOf(gap))}
        </Text>
      )}
      <Line step={step}>
        <Text size="xs" c="dimmed">
          <time dateTime={step.at}>{clock(step.at)}</time>
          {first !== undefined && ` · ${words.after(lengthOf(at - Date.parse(first.at)))}`}
          {until !== null && ` · ${words.nextLook(clockTime(until))}`}
        </Text>
        {fbtrace !== null && (
          <Group gap="xs">
            <Text size="xs" c="dimmed">
              {words.fbtrace}
            </Text>
            <Copyable value={fbtrace} what={words.fbtrace} />
          </Group>
        )}
      </Line>
    </>
  );
}
