import { Checkbox, Group, NativeSelect, Radio, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useDeferredValue } from 'react';

import { adsTexts } from '../../texts/ads';
import { PLACES } from './places';
import { RadiusMap } from './RadiusMap';
import classes from './SetupFields.module.css';
import { RegionList } from './RegionList';
import { Section } from '../../components/Section';
import { type FieldErrors, type Form, numberIn, RADIUS } from './settingsForm';

const words = adsTexts.setup;
const PLACE_LIST = 'places-on-the-map';

export interface FieldsProps {
  form: Form;
  errors: FieldErrors;
  change: (to: Partial<Form>) => void;
}

export function AreaFields({ form, errors, change }: FieldsProps) {
  return (
    <Section title={words.area}>
      <Radio.Group
        aria-label={words.area}
        value={form.geoMode}
        onChange={(geoMode) => {
          change({ geoMode: geoMode });
        }}
      >
        <Group gap="lg">
          <Radio value="radius" label={words.geoModes.radius} />
          <Radio value="regions" label={words.geoModes.regions} />
        </Group>
      </Radio.Group>
      {form.geoMode === 'radius' ? (
        <RadiusFields form={form} errors={errors} change={change} />
      ) : (
        <RegionList
          regions={form.regions}
          error={errors.regions}
          onChange={(regions) => {
            change({ regions });
          }}
        />
      )}
      <Text size="sm" c="dimmed">
        {adsTexts.summary.stub}
      </Text>
    </Section>
  );
}

function RadiusFields({ form, errors, change }: FieldsProps) {
  const centre = useDeferredValue(form.centre);
  const radius = Math.min(Math.max(numberIn(form.radius) ?? NaN, RADIUS.min), RADIUS.max);
  const drawn = Number.isNaN(radius) ? RADIUS.min : radius;
  const setRadius = (text: string): void => {
    change({ radius: text });
  };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Stack gap="md">
        <TextInput
          label={words.centre}
          description={words.centreHint}
          value={form.centre}
          error={errors.centre}
          list={PLACE_LIST}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => {
            change({ centre: event.currentTarget.value });
          }}
        />
        <datalist id={PLACE_LIST}>
          {PLACES.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <TextInput
          label={words.radius}
          description={words.radiusHint}
          value={form.radius}
          error={errors.radius}
          inputMode="numeric"
          onChange={(event) => {
            setRadius(event.currentTarget.value);
          }}
        />
        <input
          type="range"
          className={classes.range}
          aria-label={words.radiusSlider}
          min={RADIUS.min}
          max={RADIUS.max}
          value={drawn}
          onChange={(event) => {
            setRadius(event.currentTarget.value);
          }}
        />
      </Stack>
      <RadiusMap centre={centre} radiusKm={drawn} />
    </SimpleGrid>
  );
}

export function FormatFields({ form, errors, change }: FieldsProps) {
  return (
    <Section title={words.formats}>
      <Checkbox.Group
        aria-label={words.formats}
        value={form.formats}
        error={errors.formats}
        onChange={(formats) => {
          change({ formats: formats });
        }}
      >
        <Group gap="lg" mb="xs">
          {Object.entries(adsTexts.formats).map(([value, label]) => (
            <Checkbox key={value} value={value} label={label} />
          ))}
        </Group>
      </Checkbox.Group>
      <NativeSelect
        label={words.cta}
        maw="20rem"
        value={form.cta}
        data={Object.entries(adsTexts.ctas).map(([value, label]) => ({ value, label }))}
        onChange={(event) => {
          change({ cta: event.currentTarget.value as Form['cta'] });
        }}
      />
    </Section>
  );
}
