import {
  ActionIcon,
  AppShell,
  Burger,
  Button,
  Group,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { Outlet, useRouter } from '@tanstack/react-router';
import { IconMoon, IconSun } from '@tabler/icons-react';

import { api, ok } from '../api/client';
import { Failure } from '../components/Failure';
import { Unreachable } from '../components/Unreachable';
import { texts } from '../texts';
import { Menu } from './Menu';
import { forgetCustomer } from './session';
import classes from './Shell.module.css';

const nav = texts.nav;
const CONTENT = 'content';

/** Header, menu and the page: for everybody who is logged in. */
export function Shell() {
  const [menu, { toggle, close }] = useDisclosure();
  const logOut = useLogOut();
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !menu } }}
      padding={{ base: 'md', sm: 'xl' }}
      data-menu={menu}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <SkipLink />
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={menu}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={menu ? nav.close : nav.open}
              aria-expanded={menu}
            />
            <Text fw={700} truncate>
              {texts.product}
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <SchemeSwitch />
            <Button
              variant="default"
              size="xs"
              loading={logOut.isPending}
              onClick={() => {
                logOut.mutate();
              }}
            >
              {nav.logOut}
            </Button>
          </Group>
        </Group>
      </AppShell.Header>
      <Menu onChoose={close} />
      <AppShell.Main id={CONTENT} tabIndex={-1} className={classes.main ?? ''}>
        <Unreachable />
        {logOut.isError && <Failure error={logOut.error} />}
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}

/** For the keyboard: past the menu. It moves the focus itself and leaves the address as it is. */
function SkipLink() {
  return (
    <a
      className={classes.skip ?? ''}
      href={`#${CONTENT}`}
      onClick={(event) => {
        event.preventDefault();
        document.getElementById(CONTENT)?.focus();
      }}
    >
      {nav.skip}
    </a>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const next = useComputedColorScheme('light') === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={nav.scheme[next]}
      onClick={() => {
        setColorScheme(next);
      }}
    >
      {next === 'dark' ? <IconMoon size={18} aria-hidden /> : <IconSun size={18} aria-hidden />}
    </ActionIcon>
  );
}

/** Ends the session at the gateway first: a page that only looks logged out would be a trap. */
function useLogOut() {
  const router = useRouter();
  return useMutation({
    mutationFn: () => ok(api.POST('/auth/logout', { body: {} })),
    onSuccess: async () => {
      forgetCustomer();
      await router.navigate({ to: '/login' });
    },
  });
}
