import { type RefObject, useEffect, useRef } from 'react';

let shown: string | null = null;

/**
 * Moves the focus to a page's heading when the page was reached by a link: a screen reader then says where one
 * is, and Tab goes on from there. The first page is left alone, so that Tab begins at the skip link.
 */
export function useHeadingFocus(): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  const path = window.location.pathname;
  useEffect(() => {
    if (shown !== null && shown !== path) heading.current?.focus();
    shown = path;
  }, [path]);
  return heading;
}
