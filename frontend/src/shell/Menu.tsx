import { AppShell, Text } from '@mantine/core';
import {
  IconAdjustmentsHorizontal,
  IconHistory,
  IconLayoutDashboard,
  IconPlugConnected,
  IconSpeakerphone,
  IconUser,
} from '@tabler/icons-react';

import { RouteNavLink } from '../components/links';
import { texts } from '../texts';
import classes from './Shell.module.css';

const nav = texts.nav;
const ICON = { size: 18, 'aria-hidden': true } as const;

/** The pages. `onChoose` is called when one was chosen. */
export function Menu({ onChoose }: { onChoose: () => void }) {
  return (
    <AppShell.Navbar p="sm" className={classes.menu ?? ''} aria-label={nav.label} onClick={onChoose}>
      <Text size="xs" c="dimmed" fw={600} px="sm" py={4}>
        {nav.ads}
      </Text>
      <RouteNavLink
        to="/ads"
        label={nav.overview}
        leftSection={<IconLayoutDashboard {...ICON} />}
        activeOptions={{ exact: true }}
      />
      <RouteNavLink to="/ads/setup" label={nav.setup} leftSection={<IconAdjustmentsHorizontal {...ICON} />} />
      <RouteNavLink to="/ads/campaign" label={nav.campaign} leftSection={<IconSpeakerphone {...ICON} />} />
      <RouteNavLink to="/ads/diagnostics" label={nav.diagnostics} leftSection={<IconHistory {...ICON} />} />
      <Text size="xs" c="dimmed" fw={600} px="sm" pt="md" pb={4}>
        {nav.you}
      </Text>
      <RouteNavLink to="/settings" label={nav.settings} leftSection={<IconPlugConnected {...ICON} />} />
      <RouteNavLink to="/account" label={nav.account} leftSection={<IconUser {...ICON} />} />
    </AppShell.Navbar>
  );
}
