// A new solution, or a recommender of a domain, and its first training.

import {call, list} from './api.js';
import {card, check, field, form, h, head, input, note, select} from './dom.js';
import {addressOf, recipeName} from './group.js';

// first is the recipe for most uses.
const first = 'aws-user-personalization-v2';

// objectives are the recipes that can bring more than relevance.
const objectives = ['user-personalization', 'personalized-ranking'];

export async function newSolutionPage(group) {
  const recipes = await list('ListRecipes', 'recipes');
  const own = recipes.filter((r) => !r.domain).sort((a, b) => (b.name === first) - (a.name === first));
  const domain = recipes.filter((r) => group.domain && r.domain === group.domain);
  return [
    head('Create solution', 'A recipe with its settings; training it makes a version.'),
    domain.length > 0 && recommenderForm(group, domain),
    solutionForm(group, own),
  ];
}

function solutionForm(group, recipes) {
  const about = h('p', {class: 'lead'});
  const recipe = select(recipes.map((r) => [r.recipeArn, recipeName(r.recipeArn)]), recipes[0].recipeArn, {name: 'recipe'});
  const name = input({required: true, name: 'name'});
  const type = input({name: 'eventType'});
  const threshold = input({name: 'threshold', inputmode: 'decimal'});
  const attribute = input({name: 'objective'});
  const sensitivity = select(['LOW', 'MEDIUM', 'HIGH', 'OFF'].map((s) => [s, s]), 'MEDIUM', {name: 'sensitivity'});
  const objective = h('div', {class: 'fields'}, field('Objective', attribute, 'A number that all items have, for example a price: items with more of it are preferred; empty: relevance alone.'),
    field('Sensitivity', sensitivity, 'How much relevance the objective may cost.'));
  const optimize = check('Look for better hyperparameters (HPO): several trainings', {});
  const again = check('Train anew every seven days', {});
  const describe = async () => {
    if (!name.dataset.own) name.value = `${group.name}-${recipeName(recipe.value)}`.slice(0, 63);
    objective.hidden = !objectives.includes(recipeName(recipe.value));
    about.textContent = (await call('DescribeRecipe', {recipeArn: recipe.value})).recipe.description ?? '';
  };
  name.addEventListener('input', () => { name.dataset.own = name.value; });
  recipe.addEventListener('change', describe);
  describe();
  return card('Solution', form('Create and train', async () => {
    const {solutionArn} = await call('CreateSolution', {
      name: name.value, datasetGroupArn: group.datasetGroupArn, recipeArn: recipe.value,
      performHPO: optimize.firstChild.checked, performAutoTraining: again.firstChild.checked,
      ...(type.value && {eventType: type.value}), solutionConfig: {...(threshold.value && {eventValueThreshold: threshold.value}),
        ...(!objective.hidden && attribute.value && {optimizationObjective: {itemAttribute: attribute.value, objectiveSensitivity: sensitivity.value}})}});
    if (!again.firstChild.checked) await call('CreateSolutionVersion', {solutionArn});
    note('The training has begun.');
    location.hash = addressOf(group);
  }, field('Recipe', recipe), about, field('Name', name),
  h('details', null, h('summary', null, 'Training configuration'), h('div', {class: 'fields'}, field('Event type', type, 'Only events of this type are trained on; empty: all.'),
    field('Event value, at least', threshold, 'Events with less are left out.')), objective, optimize, again)));
}

function recommenderForm(group, recipes) {
  const recipe = select(recipes.map((r) => [r.recipeArn, recipeName(r.recipeArn)]), recipes[0].recipeArn);
  const name = input({required: true});
  return card('Recommender of the domain', form('Create recommender', async () => {
    await call('CreateRecommender', {name: name.value, datasetGroupArn: group.datasetGroupArn, recipeArn: recipe.value});
    note('The recommender is being trained.');
    location.hash = addressOf(group);
  }, field('Use case', recipe), field('Name', name)));
}
