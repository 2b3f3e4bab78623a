import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The development server passes everything that is not a page on to the gateway, under the gateway's own
// origin: so the console calls relative addresses, here and where the gateway serves it.
const gateway = process.env.GATEWAY_URL ?? 'http://localhost:3001';
const isOurs = (url: string): boolean => url === '/console' || url.startsWith('/console/');

const dist = join(import.meta.dirname, 'dist');

/** Beside every file of text, the same compressed: the gateway sends what the browser can read. */
const compressed = {
  name: 'compressed',
  apply: 'build' as const,
  closeBundle() {
    for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(html|js|css|svg)$/.test(name)) continue;
      const path = join(dist, name);
      const content = readFileSync(path);
      writeFileSync(`${path}.br`, brotliCompressSync(content));
      writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    }
  },
};

export default defineConfig({
  base: '/console/',
  plugins: [react(), compressed],
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
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    sourcemap: false,
    chunkSizeWarningLimit: 600,
    // The libraries in one file, what several pages share in another: many small ones cost more in headers than
    // they save.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'libraries', test: /node_modules/, priority: 1 },
            { name: 'shared', test: /src/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  test: { environment: 'jsdom', setupFiles: ['src/setup-tests.ts'], restoreMocks: true, testTimeout: 20_000 },
});
