/** Every sentence of the console that the gateway does not say, by page. English. */
export const texts = {
  product: 'Project Auto Ads',
  nav: {
    label: 'Pages',
    ads: 'Ads',
    you: 'You',
    overview: 'Overview',
    setup: 'Setup',
    campaign: 'Campaign',
    diagnostics: 'Diagnostics',
    settings: 'Settings',
    account: 'Account',
    logOut: 'Log out',
    skip: 'Skip to content',
    open: 'Open the menu',
    close: 'Close the menu',
    scheme: { light: 'Use the light scheme', dark: 'Use the dark scheme' },
  },
  common: {
    loading: 'Loading',
    tryAgain: 'Try again',
    close: 'Close',
    wait: (seconds: number) =>
      seconds > 90
        ? `It works again in about ${Math.ceil(seconds / 60)} minutes.`
        : `It works again in ${Math.max(1, Math.ceil(seconds))} seconds.`,
    failed: 'This did not work',
    notFound: 'There is no such page',
    home: 'Go to the overview',
  },
  unreachable: {
    title: 'The server cannot be reached',
    text: 'What you see may be out of date. The page tries again every few seconds and goes on by itself.',
  },
  login: {
    title: 'Log in',
    email: 'Email',
    password: 'Password',
    submit: 'Log in',
    toForgot: 'Forgotten your password?',
    toSignup: 'No account yet? Sign up',
    reasons: {
      session_expired: 'Your session ended. Log in to go on.',
      session_changed: 'Somebody else logged in in this browser. Log in to go on.',
      session_mismatch:
        'You were logged in as somebody else when Meta sent you back. Log in and connect again.',
    },
  },
  signup: {
    title: 'Sign up',
    name: 'Company name',
    email: 'Email',
    password: 'Password',
    passwordHint: 'At least 8 characters',
    submit: 'Create account',
    toLogin: 'Have an account? Log in',
  },
} as const;
