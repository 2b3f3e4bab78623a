import { Button, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';

import { api, ok } from '../api/client';
import { Failure } from '../components/Failure';
import { RouteAnchor } from '../components/links';
import { NewPasswordInput } from '../components/NewPasswordInput';
import { enter } from '../shell/session';
import { texts } from '../texts';
import { Door } from './Door';
import { valuesOf } from './forms';

const signup = texts.signup;

export function Signup() {
  const router = useRouter();
  const signUp = useMutation({
    mutationFn: (form: FormData) =>
      ok(api.POST('/signup', { body: valuesOf(form, 'name', 'email', 'password') })),
    onSuccess: async () => {
      await enter();
      await router.navigate({ to: '/ads' });
    },
  });
  return (
    <Door title={signup.title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          signUp.mutate(new FormData(event.currentTarget));
        }}
      >
        <Stack>
          <TextInput
            name="name"
            label={signup.name}
            autoComplete="organization"
            required
            withAsterisk={false}
            autoFocus
          />
          <TextInput
            name="email"
            type="email"
            label={signup.email}
            autoComplete="username"
            required
            withAsterisk={false}
          />
          <NewPasswordInput name="password" label={signup.password} description={signup.passwordHint} />
          {signUp.isError && <Failure error={signUp.error} />}
          <Button type="submit" loading={signUp.isPending}>
            {signup.submit}
          </Button>
          <RouteAnchor to="/login" ta="center">
            {signup.toLogin}
          </RouteAnchor>
        </Stack>
      </form>
    </Door>
  );
}
