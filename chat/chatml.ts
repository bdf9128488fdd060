/**
 * ChatML in its plainest form, for models that are trained on it and bring no template of their
 * own. It knows neither tools nor a default system message.
 */
export const CHATML_TEMPLATE: string = `
{%- for message in messages %}
  {{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<|im_start|>assistant\\n' }}
{%- endif %}
`;
