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
import { RouteNavLink } from '../components/links';
import { texts } from '../texts';
import { forgetCustomer } from './session';
import classes from './Shell.module.css';

const nav = texts.nav;

/** Header, menu and the page: for everybody who is logged in. */
export function Shell() {
  const [menu, { toggle, close }] = useDisclosure();
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !menu } }}
      padding={{ base: 'md', sm: 'xl' }}
    >
      <a className={classes.skip ?? ''} href="#content">
        {nav.skip}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={menu}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={menu ? nav.close : nav.open}
            />
            <Text fw={700} truncate>
              {texts.product}
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <SchemeSwitch />
            <LogOut />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label={nav.label} onClick={close}>
        <RouteNavLink to="/ads" label={nav.overview} activeOptions={{ exact: true }} />
        <RouteNavLink to="/ads/setup" label={nav.setup} />
        <RouteNavLink to="/ads/campaign" label={nav.campaign} />
        <RouteNavLink to="/ads/diagnostics" label={nav.diagnostics} />
        <RouteNavLink to="/settings" label={nav.settings} />
        <RouteNavLink to="/account" label={nav.account} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} className={classes.main ?? ''}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
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

function LogOut() {
  const router = useRouter();
  const logOut = useMutation({
    mutationFn: () => ok(api.POST('/auth/logout', { body: {} })),
    onSettled: async () => {
      forgetCustomer();
      await router.navigate({ to: '/login' });
    },
  });
  return (
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
  );
}
