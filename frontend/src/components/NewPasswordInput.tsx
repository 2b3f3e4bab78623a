import { PasswordInput, type PasswordInputProps } from '@mantine/core';

/** Where a password is chosen: the limits are the gateway's, and password managers may offer one. */
export function NewPasswordInput(props: PasswordInputProps) {
  return (
    <PasswordInput
      autoComplete="new-password"
      minLength={8}
      maxLength={128}
      required
      withAsterisk={false}
      {...props}
    />
  );
}
