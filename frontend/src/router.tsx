import {
  createRootRoute,
  createRoute,
  createRouter,
  redirect,
  type RouterHistory,
} from '@tanstack/react-router';

import { me } from './api/queries';
import { NotFound } from './pages/NotFound';
import { Broken, BrokenPage } from './shell/Broken';
import { page } from './shell/page';
import { queryClient } from './shell/session';
import { Waiting } from './shell/Waiting';

const root = createRootRoute({ notFoundComponent: NotFound, errorComponent: Broken });

interface LoginSearch {
  error?: string;
  next?: string;
}

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): LoginSearch => ({
    ...(typeof search.error === 'string' && { error: search.error }),
    ...(typeof search.next === 'string' && { next: search.next }),
  }),
  component: page(() => import('./pages/Login'), 'Login'),
});

const signup = createRoute({
  getParentRoute: () => root,
  path: '/signup',
  component: page(() => import('./pages/Signup'), 'Signup'),
});

const forgotPassword = createRoute({
  getParentRoute: () => root,
  path: '/forgot-password',
  component: page(() => import('./pages/ForgotPassword'), 'ForgotPassword'),
});

/** The link in the mail: `#token=…`, which browsers send to no server. */
const resetPassword = createRoute({
  getParentRoute: () => root,
  path: '/reset-password',
  component: page(() => import('./pages/ResetPassword'), 'ResetPassword'),
});

/** Everything below is for who is logged in; others come back here after logging in. */
const member = createRoute({
  getParentRoute: () => root,
  id: 'member',
  errorComponent: Broken,
  component: page(() => import('./shell/Shell'), 'Shell'),
  beforeLoad: async ({ location }) => {
    const found = await queryClient.query({ ...me, staleTime: 'static' });
    if (found === null) throw redirect({ to: '/login', search: { next: location.publicHref } });
    return { me: found };
  },
});

const home = createRoute({
  getParentRoute: () => member,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/ads', replace: true });
  },
});

const overview = createRoute({
  getParentRoute: () => member,
  path: '/ads',
  component: page(() => import('./pages/ads/Overview'), 'Overview'),
});

const setup = createRoute({
  getParentRoute: () => member,
  path: '/ads/setup',
  component: page(() => import('./pages/ads/Setup'), 'Setup'),
});

const campaign = createRoute({
  getParentRoute: () => member,
  path: '/ads/campaign',
  component: page(() => import('./pages/ads/Campaign'), 'Campaign'),
});

const diagnostics = createRoute({
  getParentRoute: () => member,
  path: '/ads/diagnostics',
  component: page(() => import('./pages/ads/Diagnostics'), 'Diagnostics'),
});

const run = createRoute({
  getParentRoute: () => member,
  path: '/ads/diagnostics/$runId',
  component: page(() => import('./pages/ads/Run'), 'Run'),
});

interface SettingsSearch {
  meta?: string;
  error?: string;
}

/** Meta's dialog returns here, by way of the gateway: `meta=connected`, or `meta=error` with a reason. */
const settings = createRoute({
  getParentRoute: () => member,
  path: '/settings',
  validateSearch: (search: Record<string, unknown>): SettingsSearch => ({
    ...(typeof search.meta === 'string' && { meta: search.meta }),
    ...(typeof search.error === 'string' && { error: search.error }),
  }),
  component: page(() => import('./pages/settings/Settings'), 'Settings'),
});

const account = createRoute({
  getParentRoute: () => member,
  path: '/account',
  component: page(() => import('./pages/account/Account'), 'Account'),
});

const tree = root.addChildren([
  login,
  signup,
  forgotPassword,
  resetPassword,
  member.addChildren([home, overview, setup, campaign, diagnostics, run, settings, account]),
]);

/** The console's pages over this history; by default the browser's. */
export function consoleRouter(history?: RouterHistory) {
  return createRouter({
    routeTree: tree,
    basepath: '/console',
    defaultPreload: 'intent',
    defaultErrorComponent: BrokenPage,
    defaultPendingComponent: Waiting,
    scrollRestoration: true,
    ...(history && { history }),
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof consoleRouter>;
  }
}
