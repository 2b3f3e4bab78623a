import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

const SOURCES = import.meta.dirname;
const STYLES = join(SOURCES, '../node_modules/@mantine/core/styles');

/** Components whose looks are those of others. */
const MADE_OF: Record<string, string[]> = {
  TextInput: ['Input'],
  Textarea: ['Input'],
  NativeSelect: ['Input', 'Combobox'],
  PasswordInput: ['Input', 'PasswordInput', 'ActionIcon'],
  Select: ['Input', 'Combobox', 'Popover'],
  Autocomplete: ['Input', 'Combobox', 'Popover'],
  MultiSelect: ['Input', 'Combobox', 'Popover', 'PillsInput', 'Pill'],
  TagsInput: ['Input', 'Combobox', 'Popover', 'PillsInput', 'Pill'],
  NumberInput: ['Input', 'NumberInput'],
  Radio: ['Radio', 'RadioIndicator', 'InlineInput'],
  Checkbox: ['Checkbox', 'CheckboxIndicator', 'InlineInput'],
  Modal: ['Modal', 'ModalBase', 'Overlay', 'CloseButton'],
  Drawer: ['Drawer', 'ModalBase', 'Overlay', 'CloseButton'],
};

test('every Mantine component in use has its styles loaded', () => {
  const loaded = new Set(
    [...readFileSync(join(SOURCES, 'styles.css'), 'utf8').matchAll(/styles\/(\w+)\.css/g)].map(
      ([, name]) => name,
    ),
  );
  const needed = [...componentsInUse()].flatMap((name) => MADE_OF[name] ?? [name]);
  const withStyles = needed.filter((name) => existsSync(join(STYLES, `${name}.css`)));
  expect(withStyles.length).toBeGreaterThan(10);
  expect(withStyles.filter((name) => !loaded.has(name))).toEqual([]);
});

function componentsInUse(): Set<string> {
  const names = new Set<string>();
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.tsx')) continue;
    const text = readFileSync(join(SOURCES, file), 'utf8');
    for (const [, imported = ''] of text.matchAll(/import \{([^}]*)\} from '@mantine\/core'/g)) {
      for (const name of imported.split(',')) names.add(name.trim());
    }
  }
  return names;
}
