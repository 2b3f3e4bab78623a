import { Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { api, ok } from '../../api/client';
import { Done } from '../../components/Done';
import { Failure } from '../../components/Failure';
import { NewPasswordInput } from '../../components/NewPasswordInput';
import { Section } from '../../components/Section';
import { account } from '../../texts/account';
import { valuesOf } from '../forms';
import { sessions } from './Sessions';

const texts = account.password;

export function ChangePassword({ email }: { email: string }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (form: HTMLFormElement) =>
      ok(
        api.POST('/auth/password', { body: valuesOf(new FormData(form), 'currentPassword', 'newPassword') }),
      ),
    onSuccess: async (_, form) => {
      form.reset();
      await queries.invalidateQueries({ queryKey: sessions.queryKey });
    },
  });
  return (
    <Section title={texts.title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate(event.currentTarget);
        }}
      >
        <Stack gap="sm" maw={420} align="stretch">
          <Text size="sm">{texts.text}</Text>
          {/* Tells a password manager whose password this is. */}
          <input type="text" autoComplete="username" value={email} readOnly hidden />
          <PasswordInput
            name="currentPassword"
            label={texts.current}
            autoComplete="current-password"
            required
            withAsterisk={false}
          />
          <NewPasswordInput name="newPassword" label={texts.next} description={texts.hint} />
          {change.isError && <Failure error={change.error} />}
          <Done>{change.isSuccess && texts.done}</Done>
          <Button type="submit" loading={change.isPending} style={{ alignSelf: 'flex-start' }}>
            {texts.submit}
          </Button>
        </Stack>
      </form>
    </Section>
  );
}
