import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';

import { api, ok } from '../api/client';
import { Done } from '../components/Done';
import { Failure } from '../components/Failure';
import { RouteAnchor } from '../components/links';
import { NewPasswordInput } from '../components/NewPasswordInput';
import { forgetCustomer } from '../shell/session';
import { doors } from '../texts/doors';
import { Door } from './Door';
import { tokenIn, valuesOf } from './forms';

const texts = doors.reset;

/** Where the mailed link leads. The token leaves the address at once: a history keeps addresses. */
export function ResetPassword() {
  const [token] = useState(() => tokenIn(window.location.hash));
  const navigate = useNavigate();
  useEffect(() => {
    void navigate({ to: '/reset-password', hash: '', replace: true });
  }, [navigate]);
  return (
    <Door title={texts.title}>
      {token === null ? (
        <Stack>
          <Text size="sm">{texts.incomplete}</Text>
          <RouteAnchor to="/forgot-password">{texts.askAgain}</RouteAnchor>
        </Stack>
      ) : (
        <NewPassword token={token} />
      )}
    </Door>
  );
}

function NewPassword({ token }: { token: string }) {
  const reset = useMutation({
    mutationFn: (form: FormData) =>
      ok(api.POST('/auth/password-reset/confirm', { body: { token, ...valuesOf(form, 'newPassword') } })),
    onSuccess: forgetCustomer,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        reset.mutate(new FormData(event.currentTarget));
      }}
    >
      <Stack>
        {!reset.isSuccess && (
          <NewPasswordInput
            name="newPassword"
            label={texts.password}
            description={texts.passwordHint}
            autoFocus
          />
        )}
        {reset.isError && <Failure error={reset.error} />}
        <Done>{reset.isSuccess && texts.done}</Done>
        {reset.isSuccess ? (
          <RouteAnchor to="/login" ta="center">
            {texts.toLogin}
          </RouteAnchor>
        ) : (
          <Button type="submit" loading={reset.isPending}>
            {texts.submit}
          </Button>
        )}
        {reset.isError && (
          <RouteAnchor to="/forgot-password" ta="center">
            {texts.askAgain}
          </RouteAnchor>
        )}
      </Stack>
    </form>
  );
}
