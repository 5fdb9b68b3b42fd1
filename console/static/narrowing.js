// Filters of a request, with a field for each of their parameters.

import {call} from './api.js';
import {field, h, input, select, show} from './dom.js';

// narrowing gives the control of a filter: {element, value()}, where value is
// {filterArn, filterValues} or {}.
export function narrowing(label, filters) {
  const choice = select([['', 'none'], ...filters.map((f) => [f.filterArn, f.name])], '');
  const expression = h('div', null);
  const fields = new Map();
  choice.addEventListener('change', async () => {
    fields.clear();
    show(expression);
    if (!choice.value) return;
    const {filter} = await call('DescribeFilter', {filterArn: choice.value});
    for (const name of parameters(filter.filterExpression)) fields.set(name, input({}));
    show(expression, h('code', {class: 'expression'}, filter.filterExpression),
      [...fields].map(([name, control]) => field(`$${name}`, control, 'Several values with commas between them.')));
  });
  return {
    element: h('div', null, field(label, choice), expression),
    value() {
      if (!choice.value) return {};
      const given = [...fields].filter(([, control]) => control.value.trim() !== '');
      return {filterArn: choice.value, filterValues: Object.fromEntries(given.map(([name, control]) => [name, quoted(control.value)]))};
    },
  };
}

// parameters gives the names behind $ in an expression, outside of its texts.
export function parameters(expression) {
  const bare = expression.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return [...new Set([...bare.matchAll(/\$([A-Za-z0-9_]+)/g)].map((m) => m[1]))];
}

// quoted writes values as the API takes them: "a","b". Who has written quotes knows how.
export function quoted(text) {
  if (text.includes('"')) return text.trim();
  return text.split(',').map((v) => `"${v.trim()}"`).join(',');
}
