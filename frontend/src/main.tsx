import { createTheme, MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { whenSessionIsOver } from './api/client';
import { router } from './router';
import { forgetCustomer, queryClient } from './shell/session';
import './styles.css';

const theme = createTheme({
  primaryColor: 'blue',
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: 'md',
  respectReducedMotion: true,
});

whenSessionIsOver(() => {
  const here = router.state.location;
  if (here.pathname === '/login') return;
  forgetCustomer();
  void router.navigate({ to: '/login', search: { error: 'session_expired', next: here.publicHref } });
});

const place = document.getElementById('root');
if (place === null) throw new Error('index.html has no #root');
createRoot(place).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
