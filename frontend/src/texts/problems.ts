/** What went wrong where the gateway could not say it. */
export const problems = {
  unreadable: {
    message: 'The server gave an answer that this page cannot read.',
    hint: 'Reload the page. If it stays, tell your operator.',
  },
  unreachable: {
    message: 'The server cannot be reached.',
    hint: 'Check your connection and try again.',
  },
  broken: {
    message: 'Something in this page broke.',
    hint: 'Reload the page. If it stays, tell your operator.',
  },
};
