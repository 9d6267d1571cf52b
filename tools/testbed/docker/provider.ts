import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from 'testcontainers';
import type { Progress } from '../progress.ts';
import type { ServiceProvider } from '../provider.ts';
import type { TestbedServiceName } from '../service-names.ts';
import { attachedContainer, createContainer } from './container.ts';
import type { DockerRecipe } from './recipe.ts';
import { dockerRecipeNamed } from './recipe-named.ts';

/** Servers as containers of official images, published on 127.0.0.1 only. Throws where no Docker daemon answers. */
export async function dockerProvider(): Promise<ServiceProvider> {
  const client = await dockerClient();
  return {
    kind: 'docker',
    async prepare(name, progress) {
      await haveImage(client, await recipeOf(name), progress);
    },
    async create(name, site) {
      const { image, version, layOut } = await recipeOf(name);
      return createContainer(client, { name, version, site, image, plan: await layOut(site) });
    },
    attach: (record) => attachedContainer(client, record),
  };
}

async function dockerClient(): Promise<ContainerRuntimeClient> {
  try {
    return await getContainerRuntimeClient();
  } catch (cause) {
    throw new Error(`no Docker daemon answers (${(cause as Error).message}): start one, or set DOCKER_HOST`, { cause });
  }
}

async function recipeOf(name: TestbedServiceName): Promise<DockerRecipe> {
  const recipe = await dockerRecipeNamed(name);
  if (recipe === null) throw new Error(`${name} runs as a process only: leave K2_TESTBED_PROVIDER=docker away for it`);
  return recipe;
}

async function haveImage(client: ContainerRuntimeClient, { image }: DockerRecipe, progress: Progress): Promise<void> {
  const name = ImageName.fromString(image);
  if (await client.image.exists(name)) return;
  progress.update(`pulling ${image}`);
  try {
    await client.image.pull(name);
  } catch (cause) {
    throw new Error(`the image ${image} is not here and cannot be pulled: ${(cause as Error).message}`, { cause });
  }
}
