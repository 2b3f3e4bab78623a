import type { AdsStatus, SettingsView } from './prerequisites';
import type { Run, RunStep, RunWithSteps } from './runs';

/** What the gateway answers, for tests: as the contract shows it, with the differences that matter. */
export function settingsOf(changes: Partial<SettingsView> = {}): SettingsView {
  return {
    id: '1d2c3b4a-9f8e-4d7c-8b6a-5a4b3c2d1e66',
    geoMode: 'radius',
    geoCenterText: 'Stockholm',
    geoRadiusKm: 25,
    geoRegionsJson: null,
    formatsJson: ['feed', 'stories'],
    ctaType: 'learn_more',
    budgetOverride: 3000,
    status: 'ready',
    lastSyncedAt: null,
    lastPublishedAt: null,
    lastError: null,
    createdAt: '2026-01-31T11:58:00.000Z',
    updatedAt: '2026-01-31T11:58:00.000Z',
    ...changes,
  };
}

export function runOf(changes: Partial<Run> = {}): Run {
  return {
    id: '5b0f3a52-6a0e-4a43-a2a5-6c8f0a9b1c33',
    trigger: 'manual',
    status: 'running',
    startedAt: '2026-01-31T12:00:00.420Z',
    finishedAt: null,
    errorMessage: null,
    createdAt: '2026-01-31T12:00:00.400Z',
    jobId: 'b6a7c1de-0f53-4b5a-9d0c-2b1f6f7e8d44',
    jobType: 'publish',
    mode: 'real',
    adAccountId: 'act_1234567890',
    campaignId: null,
    adsetId: null,
    step: null,
    hint: null,
    errorCode: null,
    fixedBy: null,
    traceId: null,
    ...changes,
  };
}

export function stepOf(version: number, changes: Partial<RunStep> = {}): RunStep {
  return {
    version,
    type: 'RUN_STEP',
    step: 'campaign',
    state: 'started',
    message: `Step ${version}`,
    at: `2026-01-31T12:00:0${version}.000Z`,
    data: {},
    ...changes,
  };
}

export function runWith(steps: RunStep[], changes: Partial<Run> = {}): RunWithSteps {
  return { ...runOf(changes), steps };
}

export const OBJECTS = {
  id: 'c0d9a4c5-2f7e-4d64-8f2b-7a3e5d6c7b55',
  catalogId: null,
  campaignId: '120210000000000001',
  adsetId: '120210000000000002',
  creativeId: null,
  adId: null,
  status: 'paused',
  lastPublishStep: 'adset',
  lastPublishError: null,
  lastSyncedAt: null,
  createdAt: '2026-01-31T12:00:01.000Z',
  updatedAt: '2026-01-31T12:00:01.730Z',
} as const;

export function statusOf({
  meta = {},
  mode = 'real',
  publisher = {},
  ...changes
}: {
  meta?: Partial<AdsStatus['prerequisites']['meta']>;
  mode?: AdsStatus['derived']['metaWriteMode'];
  publisher?: Partial<AdsStatus['derived']['publisher']>;
} & Partial<Pick<AdsStatus, 'settings' | 'objects' | 'lastRuns'>> = {}): AdsStatus {
  const later = { ok: true, hint: null, required: false };
  return {
    prerequisites: {
      website: { ...later, link: '/connect-website' },
      inventory: { ...later, count: 0 },
      templates: { ...later, link: '/templates' },
      meta: { ok: true, hint: null, link: '/settings#meta', required: true, ...meta },
    },
    derived: {
      budget: { defaultMonthly: 3000, currency: 'SEK', effective: 3000 },
      metaWriteMode: mode,
      publisher: {
        seen: true,
        mode,
        version: '0.1.0',
        graphVersion: 'v25.0',
        lastSeenAt: null,
        hint: null,
        ...publisher,
      },
    },
    settings: settingsOf(),
    objects: null,
    lastRuns: [],
    ...changes,
  };
}
