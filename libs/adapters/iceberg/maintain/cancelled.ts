import { PortError, type TableMaintenanceError } from '@k2/ports';

export function cancelled(): TableMaintenanceError {
  return new PortError('cancelled', 'maintenance was cancelled: what was committed before stays');
}

export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}
