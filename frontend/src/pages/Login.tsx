import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';

import { api, ok } from '../api/client';
import { Failure } from '../components/Failure';
import { RouteAnchor } from '../components/links';
import { enter } from '../shell/session';
import { texts } from '../texts';
import { Door } from './Door';
import { pageToReturnTo, valuesOf } from './forms';

const route = getRouteApi('/login');
const login = texts.login;

export function Login() {
  const { error, next } = route.useSearch();
  const router = useRouter();
  const logIn = useMutation({
    mutationFn: (form: FormData) =>
      ok(api.POST('/auth/login', { body: valuesOf(form, 'email', 'password') })),
    onSuccess: async () => {
      await enter();
      router.history.push(pageToReturnTo(next, error));
    },
  });
  const reason = error === undefined ? undefined : (login.reasons as Record<string, string>)[error];
  return (
    <Door title={login.title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          logIn.mutate(new FormData(event.currentTarget));
        }}
      >
        <Stack>
          {reason !== undefined && (
            <Alert color="yellow" role="alert">
              {reason}
            </Alert>
          )}
          <TextInput
            name="email"
            type="email"
            label={login.email}
            autoComplete="username"
            required
            withAsterisk={false}
            autoFocus
          />
          <PasswordInput
            name="password"
            label={login.password}
            autoComplete="current-password"
            required
            withAsterisk={false}
          />
          {logIn.isError && <Failure error={logIn.error} />}
          <Button type="submit" loading={logIn.isPending}>
            {login.submit}
          </Button>
          <RouteAnchor to="/forgot-password" ta="center">
            {login.toForgot}
          </RouteAnchor>
          <RouteAnchor to="/signup" ta="center">
            {login.toSignup}
          </RouteAnchor>
        </Stack>
      </form>
    </Door>
  );
}
