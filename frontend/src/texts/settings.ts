/** What the settings pages say. */
export const settings = {
  callback: {
    connected: {
      title: 'Your Meta account is connected',
      text: 'Next: choose the ad account below that campaigns go to.',
      kept: 'Your ad account is selected. You can publish.',
    },
    failed: 'Connecting to Meta did not work',
    dismiss: 'Close this message',
    saidByMeta: (words: string) => `Meta says: “${words}”`,
    declined: {
      what: 'Meta did not get your permission.',
      todo: 'Press Connect and agree, if you want to. A connection that you had before still works.',
    },
    reasons: {
      missing_state: {
        what: 'Meta’s answer did not say which request it belongs to.',
        todo: 'Begin again with the button Connect on this page.',
      },
      invalid_state: {
        what: 'The request had run out, was used already, or was made in another browser.',
        todo: 'Press Connect again, and finish in this browser within 10 minutes.',
      },
      missing_code: {
        what: 'Meta sent you back without its confirmation.',
        todo: 'Press Connect again. If it happens twice, tell your operator.',
      },
      oauth_not_configured: {
        what: 'This installation has no Meta app yet.',
        todo: 'Ask your operator to set META_APP_ID, META_APP_SECRET and META_REDIRECT_URL.',
      },
      token_exchange_failed: {
        what: 'Meta did not accept the confirmation that it had given.',
        todo: 'Press Connect again. If it happens twice, your operator should check the Meta app’s secret and redirect address.',
      },
      failed_to_fetch_user: {
        what: 'Meta let us in, but did not say who you are.',
        todo: 'Wait a minute and press Connect again.',
      },
      missing_scopes: {
        what: 'You did not grant a permission that publishing needs.',
        todo: 'Press Connect again and leave every permission switched on, above all “Manage ads”.',
      },
      internal_error: {
        what: 'Something went wrong on our side.',
        todo: 'Wait a minute and press Connect again. If it stays, tell your operator.',
      },
    },
  },
  connection: {
    title: 'Meta connection',
    status: {
      connected: 'Connected',
      disconnected: 'Not connected',
      error: 'Reconnect needed',
    },
    intro:
      'Connect the Meta account whose ad account you want to advertise with. Meta asks you which permissions you give.',
    user: 'Meta user',
    granted: 'Permissions granted',
    missing: 'Permissions missing',
    none: 'None',
    expires: 'Runs out',
    inDays: (days: number) => (days <= 0 ? 'today' : days === 1 ? 'in 1 day' : `in ${days} days`),
    scopes: {
      public_profile: 'know who you are',
      ads_management: 'make and change ads',
      ads_read: 'read ads and their results',
      business_management: 'see your business’s ad accounts',
    },
    missingHint: 'Reconnect and leave these switched on.',
    connect: 'Connect Meta',
    reconnect: 'Reconnect',
    disconnect: 'Disconnect',
    disconnected: 'Meta is disconnected.',
  },
  disconnect: {
    title: 'Disconnect Meta?',
    effects: [
      'The permission is given back to Meta, and its key is deleted here.',
      'The selected ad account is forgotten.',
      'Publishing fails until you connect again.',
      'Campaigns that exist stay at Meta as they are, PAUSED.',
    ],
    confirm: 'Disconnect',
    cancel: 'Stay connected',
  },
  development: {
    title: 'Development',
    text: 'Pretends to be connected, without Meta. Nothing can be published for real with it.',
    replaces: 'It takes the place of the connection that you have now.',
    button: 'Dev: Fake Connect',
    done: 'The placeholder connection is there.',
  },
  accounts: {
    title: 'Ad account',
    intro: 'Campaigns are created in the selected ad account.',
    selected: 'Selected account',
    noneSelected: 'None yet',
    notListed:
      'The selected account is no longer among those that your Meta user may use. Choose another one.',
    choose: 'Ad accounts to choose from',
    search: 'Search by name, id or currency',
    count: (shown: number, all: number) =>
      shown < all ? `${shown} of ${all} accounts` : all === 1 ? '1 account' : `${all} accounts`,
    noMatch: 'No account matches. Clear the search to see all.',
    empty: {
      title: 'Your Meta user has no ad account',
      todo: 'Create one in Meta’s Ads Manager, or ask the owner of one to add you. Then list again.',
    },
    noneSelectable: 'None of your ad accounts can be chosen; the reasons are below.',
    unusable: (count: number) => `Cannot be chosen (${count})`,
    refresh: 'List again',
    unnamed: 'Ad account without a name',
    minimum: (amount: string) => `minimum ${amount} a day`,
    status: {
      1: 'Active',
      2: 'Disabled',
      3: 'Unpaid balance',
      7: 'In review',
      8: 'Payment pending',
      9: 'In grace period',
      100: 'Being closed',
      101: 'Closed',
      201: 'Active',
      202: 'Closed',
    } as Record<number, string>,
    unknownStatus: (code: number) => `Status ${code}`,
    unknownReason: 'Meta does not allow campaigns in this ad account',
    wayOut: {
      2: 'Look at Account Quality at facebook.com, or choose another ad account.',
      3: 'Pay it in Meta’s billing settings, or choose another ad account.',
      7: 'Wait for the review, or choose another ad account.',
      100: 'Choose another ad account.',
      101: 'Choose another ad account.',
      202: 'Choose another ad account.',
    } as Record<number, string>,
    otherWayOut: 'Ask the ad account’s admin for the permission to manage campaigns, then list again.',
    save: 'Save Selection',
    saved: (name: string) => `Saved. New campaigns go to ${name}.`,
  },
  smoke: {
    title: 'Check the connection',
    text: 'Asks Meta who you are and which ad accounts you have. It only reads; nothing is changed.',
    button: 'Run the check',
    passed: (name: string, accounts: number) =>
      `Meta answers. You are ${name}, with ${accounts === 1 ? '1 ad account' : `${accounts} ad accounts`}.`,
  },
};
