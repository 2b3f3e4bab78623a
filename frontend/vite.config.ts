import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The development server passes everything that is not a page on to the gateway, under the gateway's own
// origin: so the console calls relative addresses, here and where the gateway serves it.
const gateway = process.env.GATEWAY_URL ?? 'http://localhost:3001';
const isOurs = (url: string): boolean => url === '/console' || url.startsWith('/console/');

export default defineConfig({
  base: '/console/',
  plugins: [react()],
  server: {
    port: 3000,
    strictPort: true,
    proxy: {
      '^/(?!console)': {
        target: gateway,
        headers: { origin: gateway },
        bypass: (request) => (isOurs(request.url ?? '') ? request.url : undefined),
      },
    },
  },
  build: { target: 'es2022', assetsInlineLimit: 0, sourcemap: false },
  test: { environment: 'jsdom', setupFiles: ['src/setup-tests.ts'], restoreMocks: true, testTimeout: 20_000 },
});
