import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useRef, useState } from 'react';

import { adsTexts } from '../../texts/ads';

const words = adsTexts.setup;

interface Props {
  regions: readonly string[];
  onChange: (regions: string[]) => void;
  error: string | undefined;
}

/** Names added one by one, with Enter or the button; each can be removed. */
export function RegionList({ regions, onChange, error }: Props) {
  const [typed, setTyped] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const add = (): void => {
    const name = typed.trim();
    if (name !== '' && !regions.includes(name)) onChange([...regions, name]);
    setTyped('');
    input.current?.focus();
  };
  return (
    <Stack gap="xs">
      <Group gap="xs" align="flex-end" wrap="nowrap">
        <TextInput
          ref={input}
          label={words.regions}
          description={words.regionsHint}
          value={typed}
          maxLength={200}
          error={error}
          style={{ flex: 1 }}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            event.preventDefault();
            add();
          }}
        />
        <Button variant="default" onClick={add}>
          {words.addRegion}
        </Button>
      </Group>
      {regions.length === 0 ? (
        <Text size="sm" c="dimmed">
          {words.noRegions}
        </Text>
      ) : (
        <Group
          component="ul"
          gap="xs"
          p={0}
          m={0}
          aria-label={words.regionList}
          style={{ listStyle: 'none' }}
        >
          {regions.map((name) => (
            <li key={name}>
              <Button
                size="xs"
                variant="default"
                rightSection={<IconX size={14} aria-hidden />}
                aria-label={words.removeRegion(name)}
                onClick={() => {
                  onChange(regions.filter((each) => each !== name));
                  input.current?.focus();
                }}
              >
                {name}
              </Button>
            </li>
          ))}
        </Group>
      )}
    </Stack>
  );
}
