/** What the pages of a forgotten password say. */
export const doors = {
  forgot: {
    title: 'Forgotten password',
    text: 'Enter your address. If it has an account, a link to choose a new password is mailed to it.',
    email: 'Email',
    submit: 'Send the link',
    sent: 'If this address has an account, a link is on its way. It is valid for 30 minutes; look into the spam folder, too.',
    toLogin: 'Back to log in',
  },
  reset: {
    title: 'Choose a new password',
    password: 'New password',
    passwordHint: 'At least 8 characters',
    submit: 'Save the password',
    done: 'Your password is changed. Every open session has ended.',
    toLogin: 'Log in',
    incomplete: 'This address is incomplete. Open the link in the mail once more, or ask for a new one.',
    askAgain: 'Ask for a new link',
  },
};
