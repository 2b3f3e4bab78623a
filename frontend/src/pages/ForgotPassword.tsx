import { Button, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';

import { api, ok } from '../api/client';
import { Done } from '../components/Done';
import { Failure } from '../components/Failure';
import { RouteAnchor } from '../components/links';
import { doors } from '../texts/doors';
import { Door } from './Door';
import { valuesOf } from './forms';

const texts = doors.forgot;

export function ForgotPassword() {
  const ask = useMutation({
    mutationFn: (form: FormData) => ok(api.POST('/auth/password-reset', { body: valuesOf(form, 'email') })),
  });
  return (
    <Door title={texts.title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask.mutate(new FormData(event.currentTarget));
        }}
      >
        <Stack>
          <Text size="sm">{texts.text}</Text>
          <TextInput
            name="email"
            type="email"
            label={texts.email}
            autoComplete="username"
            required
            withAsterisk={false}
            autoFocus
          />
          {ask.isError && <Failure error={ask.error} />}
          <Done>{ask.isSuccess && texts.sent}</Done>
          <Button type="submit" loading={ask.isPending}>
            {texts.submit}
          </Button>
          <RouteAnchor to="/login" ta="center">
            {texts.toLogin}
          </RouteAnchor>
        </Stack>
      </form>
    </Door>
  );
}
