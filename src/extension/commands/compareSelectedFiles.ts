import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Services } from '../services';
import { chooseFile } from '../ui/prompts';
import { type CompareResult, openComparison } from './compare';
import { comparedFile } from './comparedFile';
import { optionsOf } from './subject';

export interface CompareSelectedOptions {
  readonly from?: string;
  readonly to?: string;
}

/** Compares two files, no repository needed: those selected in the Explorer, or two that are chosen. */
export async function compareSelectedFiles(
  services: Services,
  argument: unknown,
  selected: unknown,
): Promise<CompareResult> {
  const [from, to] = (await selectedFiles(selected)) ?? (await chooseFiles(argument));
  const [before, after] = labels(from, to);
  return openComparison(services, {
    folder: null,
    at: null,
    name: path.basename(to),
    before: await comparedFile(from, before),
    after: await comparedFile(to, after),
  });
}

type TwoFiles = readonly [from: string, to: string];

/** The older one first: the Explorer does not say which was selected first. */
async function selectedFiles(selected: unknown): Promise<TwoFiles | null> {
  const files = (Array.isArray(selected) ? selected : []).filter((uri) => uri instanceof vscode.Uri);
  const [first, second] = files.map(({ fsPath }) => fsPath);
  if (files.length !== 2 || first === undefined || second === undefined) return null;
  const [one, other] = await Promise.all([first, second].map((file) => stat(file).catch(() => null)));
  return one && other && other.mtimeMs < one.mtimeMs ? [second, first] : [first, second];
}

async function chooseFiles(argument: unknown): Promise<TwoFiles> {
  const given = optionsOf<CompareSelectedOptions>(argument);
  const openLabel = vscode.l10n.t('Compare');
  const from = given.from ?? (await chooseFile({ title: vscode.l10n.t('Compare: the older file'), openLabel }));
  const to =
    given.to ??
    (await chooseFile({
      title: vscode.l10n.t('Compare {0} with', path.basename(from)),
      openLabel,
      defaultUri: vscode.Uri.file(path.dirname(from)),
    }));
  return [from, to];
}

/** Their names; with the folder where those are the same. */
function labels(from: string, to: string): TwoFiles {
  const names: TwoFiles = [path.basename(from), path.basename(to)];
  if (names[0] !== names[1]) return names;
  const inFolder = (file: string): string => path.join(path.basename(path.dirname(file)), path.basename(file));
  return [inFolder(from), inFolder(to)];
}
