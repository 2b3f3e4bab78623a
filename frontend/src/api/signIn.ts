const NOTE = 'auto-ads-signed-in';

/**
 * Notes that somebody logged in in this browser. A page cannot see the cookie of the session, and asking on every
 * first visit who that is would fill the browser's console with refusals.
 */
export function noteSignIn(): void {
  try {
    localStorage.setItem(NOTE, 'yes');
  } catch {
    // A browser that keeps nothing is asked each time.
  }
}

/** There is no session any more. */
export function dropSignIn(): void {
  try {
    localStorage.removeItem(NOTE);
  } catch {
    // Nothing was kept.
  }
}

/** Whether there may be a session; without a note there is none. */
export function mayBeSignedIn(): boolean {
  try {
    return localStorage.getItem(NOTE) !== null;
  } catch {
    return true;
  }
}
