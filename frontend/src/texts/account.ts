/** What the account page says. */
export const account = {
  who: {
    title: 'You',
    email: 'Email',
    userId: 'User id',
    customerId: 'Customer id',
  },
  sessions: {
    title: 'Where you are logged in',
    current: 'This browser',
    since: (at: string) => `since ${at}`,
    lastSeen: (at: string) => `last used ${at}`,
    end: 'End',
    endOne: (browser: string) => `End the session in ${browser}`,
    ended: 'The session has ended.',
    unknown: 'An unknown program',
    on: (browser: string, system: string) => `${browser} on ${system}`,
    everywhere: 'Log out everywhere',
    ask: {
      title: 'Log out everywhere?',
      text: 'Every session ends at once, this one too. Publishing that is under way goes on.',
      confirm: 'Log out everywhere',
      cancel: 'Stay logged in',
    },
  },
  password: {
    title: 'Change the password',
    text: 'All your other sessions end.',
    current: 'Current password',
    next: 'New password',
    hint: 'At least 8 characters',
    submit: 'Change the password',
    done: 'The password is changed. Other sessions have ended.',
  },
};
