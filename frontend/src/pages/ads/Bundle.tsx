import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { IconDownload } from '@tabler/icons-react';

import { api, ok } from '../../api/client';
import { Failure } from '../../components/Failure';
import { adsTexts } from '../../texts/ads';

const words = adsTexts.run;

/** Hands out the file with all that is known of a run, byte by byte as the gateway sends it. */
export function Bundle({ runId }: { runId: string }) {
  const download = useMutation({
    mutationFn: () =>
      ok(api.GET('/ads/runs/{run_id}/bundle', { params: { path: { run_id: runId } }, parseAs: 'blob' })),
    onSuccess: (content) => {
      saveAs(content, `run-${runId}.json`);
    },
  });
  const start = (): void => {
    download.mutate();
  };
  return (
    <Stack gap="xs" align="flex-start">
      <Button
        variant="default"
        leftSection={<IconDownload size={16} aria-hidden />}
        loading={download.isPending}
        onClick={start}
        aria-describedby="bundle-note"
      >
        {words.bundle}
      </Button>
      <Text id="bundle-note" size="sm" c="dimmed">
        {words.bundleHint}
      </Text>
      {download.isError && <Failure error={download.error} retry={start} />}
    </Stack>
  );
}

// A plain link cannot say which customer asks.
function saveAs(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
