import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';

import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { adsStatus } from '../../api/queries';
import { Failure } from '../../components/Failure';
import { Loaded } from '../../components/Loaded';
import { RouteAnchor } from '../../components/links';
import { Page } from '../../components/Page';
import { useDraft } from '../../shell/drafts';
import { texts } from '../../texts';
import { adsTexts } from '../../texts/ads';
import { useSelectedAccount } from './account';
import { Dot } from './badges';
import { BudgetField } from './BudgetField';
import { LeaveGuard } from './LeaveGuard';
import { Live } from './Live';
import { Notice } from './Notice';
import type { AdsStatus, SettingsView } from './prerequisites';
import { AreaFields, FormatFields } from './SetupFields';
import {
  bodyOf,
  errorsIn,
  errorsOf,
  type FieldErrors,
  type Form,
  formOf,
  isComplete,
  isSame,
} from './settingsForm';

const words = adsTexts.setup;
const STATUS_COLOURS = {
  new: 'gray.5',
  draft: 'yellow',
  ready: 'green',
  active: 'green',
  error: 'red',
} as const;

/** Where and how to advertise, and for how much. */
export function Setup() {
  const query = useQuery(adsStatus);
  const status = query.data?.settings?.status ?? 'new';
  return (
    <Page
      title={texts.nav.setup}
      aside={query.data && <Dot color={STATUS_COLOURS[status]}>{words.status[status]}</Dot>}
    >
      <Text c="dimmed">{words.intro}</Text>
      <Loaded query={query}>{(data) => <SettingsForm status={data} />}</Loaded>
    </Page>
  );
}

function SettingsForm({ status }: { status: AdsStatus }) {
  const [saved, setSaved] = useState(() => formOf(status.settings));
  const [form, setForm] = useDraft('ads-setup', saved);
  const [errors, setErrors] = useState<FieldErrors>({});
  const account = useSelectedAccount();
  const element = useRef<HTMLFormElement>(null);
  const save = useSave((settings) => {
    const now = formOf(settings);
    setSaved(now);
    setForm(now);
  }, setErrors);
  useEffect(() => {
    if (Object.keys(errors).length > 0) focusFirstError(element.current);
  }, [errors]);

  const isDirty = !isSame(form, saved);
  const change = (to: Partial<Form>): void => {
    setForm({ ...form, ...to });
    setErrors({});
    save.reset();
  };
  const fields = { form, errors, change };
  return (
    <form
      ref={element}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const found = errorsIn(form);
        setErrors(found);
        if (Object.keys(found).length === 0) save.mutate(form);
      }}
    >
      <LeaveGuard isDirty={isDirty} />
      <Stack gap="lg">
        {status.settings?.status === 'error' && !save.isSuccess && (
          <Notice kind="warning">{words.clearsError}</Notice>
        )}
        <AreaFields {...fields} />
        <FormatFields {...fields} />
        <BudgetField {...fields} budget={status.derived.budget} account={account} />
        {save.isError && <Failure error={save.error} />}
        <Group gap="md">
          <Button type="submit" loading={save.isPending}>
            {isComplete(form) ? words.save : words.saveDraft}
          </Button>
          <Text size="sm" c="dimmed" role="status">
            {isDirty ? words.unsaved : ''}
          </Text>
        </Group>
        <Live>{save.isSuccess && !isDirty && <Saved settings={save.data} />}</Live>
      </Stack>
    </form>
  );
}

function useSave(onSaved: (settings: SettingsView) => void, onRefused: (errors: FieldErrors) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (form: Form) => ok(api.POST('/ads/settings', { body: bodyOf(form) })),
    onSuccess: (settings) => {
      onSaved(settings);
      return client.invalidateQueries({ queryKey: adsStatus.queryKey });
    },
    onError: (error) => {
      onRefused(errorsOf(asProblem(error)));
    },
  });
}

function Saved({ settings }: { settings: SettingsView }) {
  return (
    <Notice kind="good" title={settings.status === 'draft' ? words.saved.draft : words.saved.ready}>
      <RouteAnchor to="/ads" size="sm" c="inherit" underline="always">
        {words.toOverview}
      </RouteAnchor>
    </Notice>
  );
}

function focusFirstError(form: HTMLFormElement | null): void {
  form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
