import {
  Anchor,
  type AnchorProps,
  Button,
  type ButtonProps,
  NavLink,
  type NavLinkProps,
} from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import { forwardRef } from 'react';

// Mantine's components take any element, which hides their own properties from the router: so each is fixed
// to a plain link first.
const PlainAnchor = forwardRef<HTMLAnchorElement, Omit<AnchorProps, 'href'>>((props, ref) => (
  <Anchor ref={ref} {...props} />
));
PlainAnchor.displayName = 'PlainAnchor';
const PlainButton = forwardRef<HTMLAnchorElement, ButtonProps>((props, ref) => (
  <Button component="a" ref={ref} {...props} />
));
PlainButton.displayName = 'PlainButton';
const PlainNavLink = forwardRef<HTMLAnchorElement, NavLinkProps>((props, ref) => (
  <NavLink component="a" ref={ref} {...props} />
));
PlainNavLink.displayName = 'PlainNavLink';

/** Mantine's looks with the router's typed addresses. */
export const RouteAnchor = createLink(PlainAnchor);
export const RouteButton = createLink(PlainButton);
export const RouteNavLink = createLink(PlainNavLink);
